"""The verbs that measure an encoder: `evaluate` and `calibrate`. They need the extra `train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.common import EncoderFolder, training_errors_in_one_line

if TYPE_CHECKING:
    from faces.calibration import Calibration
    from training.evaluation.engine import Evaluation

Labelled = Annotated[
    Path,
    typer.Argument(
        help="Photos that say who is on them: a folder per person, or manifest.csv with tar "
        "shards.",
        show_default=False,
    ),
]
FacesBy = Annotated[
    Literal["manifest", "detector"],
    typer.Option(
        help="Where faces are: as the manifest says (the detector where it says nothing), or as "
        "the detector finds them, which is what the service sees."
    ),
]
Threads = Annotated[int, typer.Option(help="CPU threads; 0 takes all cores.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command()(evaluate)
    app.command()(calibrate)


def evaluate(
    source: Labelled,
    encoder: EncoderFolder = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Write report.html (one file, no faces) and evaluation.json here."),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(help="Judge these pairs too: a CSV file with path_a, path_b, same."),
    ] = None,
    faces: FacesBy = "manifest",
    floors: Annotated[
        bool, typer.Option(help="Measure random weights, eigenfaces and HOG as well.")
    ] = True,
    sheets: Annotated[
        Path | None,
        typer.Option(help="Write contact sheets of neighbours here. They show the faces."),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="Write the figures to this JSON file too.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the main figures into the encoder's card too.")
    ] = False,
    device: Device = "auto",
    threads: Threads = 0,
) -> None:
    """Measure how well an encoder tells people apart.

    Retrieval, verification, strangers, a linear probe, groups and pose, with intervals over people,
    beside floors that have learnt nothing. `docs/training.md` says what each figure means.

    Example: `lookalike evaluate photos/people --report reports/people`
    """
    with training_errors_in_one_line():
        import encoders
        from faces.confirmation import open_detector
        from faces.encoder import OnnxEncoder
        from faces.sources import open_source
        from training.baselines import floors_by_name
        from training.evaluation.engine import evaluate as measure
        from training.evaluation.pairs import read_pairs
        from training.evaluation.probes import load_probes
        from training.evaluation.record import record_figures
        from training.evaluation.report import write_figures, write_report
        from training.evaluation.sheets import write_sheets

        folder = encoder or encoders.shipped()
        onnx = OnnxEncoder(folder, device=device, threads=threads)
        probes = load_probes(
            list(open_source(source)), open_detector(onnx), onnx.card.input, faces_by=faces
        )
        given = read_pairs(pairs, probes.photos, probes.people) if pairs else None
        evaluation = measure(
            probes,
            {onnx.card.name: onnx.embed, **(floors_by_name(threads) if floors else {})},
            source=source.resolve().name,
            given=given,
            progress=lambda step: typer.echo(step, err=True),
        )
        _print_summary(evaluation)
        if save:
            write_figures(evaluation, save)
        if record:
            record_figures(evaluation, folder)
        if sheets:
            typer.echo(f"contact sheets in {sheets}: {len(write_sheets(evaluation, sheets))}")
        if report:
            html, figures = write_report(evaluation, report)
            typer.echo(f"report: {html}, figures: {figures}")


def calibrate(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="Labelled photos of people that the encoder was not trained on.",
            show_default=False,
        ),
    ],
    encoder: EncoderFolder = None,
    faces: FacesBy = "manifest",
    device: Device = "auto",
    threads: Threads = 0,
) -> None:
    """Measure what similarities mean, and write it into the encoder's card.

    From then on a similarity can be told as a false-match rate, and as the probability that two
    photos show one person.

    Example: `lookalike calibrate photos/other-people --encoder encoders/mine`
    """
    with training_errors_in_one_line():
        from dataclasses import replace

        import encoders
        from faces.calibration import read_calibration
        from faces.confirmation import open_detector
        from faces.encoder import OnnxEncoder
        from faces.sources import open_source
        from training.calibration import Labelled
        from training.calibration import calibrate as fit
        from training.evaluation.probes import load_probes
        from training.model_card import write_model_card

        folder = encoder or encoders.shipped()
        onnx = OnnxEncoder(folder, device=device, threads=threads)
        sets = []
        for source in sources:
            photos = list(open_source(source))
            probes = load_probes(photos, open_detector(onnx), onnx.card.input, faces_by=faces)
            name = source.resolve().name
            sets.append(Labelled(name, onnx.embed(probes.crops), probes.people))
        block = fit(sets)
        calibration = read_calibration(block)
        replace(onnx.card, calibration=block).save(folder)
        write_model_card(folder)
        typer.echo(
            f"{folder}: calibrated on {calibration.same_person_pairs} pairs of one person and "
            f"{calibration.cross_person_pairs} of two, {calibration.people} people, "
            f"{block['method']}"
        )
        _print_calibration(calibration)


def _print_calibration(calibration: "Calibration") -> None:
    """What a user would ask: from which similarity on is it rarely somebody else?"""
    from rich.console import Console
    from rich.table import Table

    table = Table("similarity", "false-match rate", "same person, prior 1/2", "prior 1/1000")
    rate = 0.1
    while rate >= calibration.least_false_match_rate:
        similarity = calibration.similarity_at(rate)
        even, rare = (calibration.same_person_probability(similarity, p) for p in (0.5, 0.001))
        table.add_row(f"{similarity:.3f}", f"{rate:g}", f"{even:.3f}", f"{rare:.3f}")
        rate = round(rate / 10, 12)
    Console().print(table)


def _print_summary(evaluation: "Evaluation") -> None:
    from rich.console import Console
    from rich.table import Table

    from training.evaluation.report import summary

    figures = evaluation.figures
    typer.echo(
        f"{figures['photos']} photos of {figures['people']} people; "
        f"no face found in {figures['fallback']['photos']}; "
        f"left out {sum(figures['left out'].values())}"
    )
    table = Table("", *figures["embedders"])
    for name, (own, *floors) in summary(figures):
        table.add_row(name, own, *(value.split(" (")[0] for value in floors))
    Console().print(table)
