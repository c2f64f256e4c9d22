"""The verbs of the offline job: `train`, `export`, `evaluate`. They need the extra `train`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.common import EncoderFolder, errors_in_one_line

if TYPE_CHECKING:
    from training.loop import Progress

Sources = Annotated[
    list[Path],
    typer.Argument(
        help="Folders of photos: a folder per person, manifest.csv with tar shards, or photos.",
        show_default=False,
    ),
]
Run = Annotated[Path, typer.Option(help="The run's folder: settings, checkpoints, log.")]

evaluate_app = typer.Typer(help="Measure an encoder.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command()(train)
    app.command()(export)
    evaluate_app.command()(retrieval)
    app.add_typer(evaluate_app, name="evaluate")


def train(
    sources: Sources,
    run: Run = Path("runs/first"),
    objective: Annotated[
        Literal["simclr", "same-person", "cosface"],
        typer.Option(
            help="What is learnt from: two views of one photo (needs no names), views of two "
            "photos of one person where names are there, or a prototype of each named person."
        ),
    ] = "simclr",
    epochs: Annotated[int, typer.Option(help="Passes over the photos.")] = 50,
    batch: Annotated[int, typer.Option(help="Pairs in a step.")] = 128,
    size_px: Annotated[int, typer.Option(help="Side of the encoder's input in pixels.")] = 112,
    crop_margin: Annotated[
        float, typer.Option(help="Added on each side of the detected box, as a share of it.")
    ] = 0.0,
    learning_rate: Annotated[float, typer.Option(help="Peak rate of AdamW.")] = 1e-3,
    temperature: Annotated[float, typer.Option(help="Temperature of NT-Xent.")] = 0.1,
    max_per_person: Annotated[
        int, typer.Option(help="Photos of one person used in an epoch, drawn anew each time.")
    ] = 50,
    checkpoint_every: Annotated[int, typer.Option(help="Epochs between checkpoints.")] = 1,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 takes all cores.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, or a CUDA device such as cuda:0.")] = "cpu",
    start: Annotated[
        str, typer.Option(help="Weights to start from: random, imagenet, or another run's folder.")
    ] = "random",
) -> None:
    """Train an encoder on photos, with or without names.

    Started again with the same folder and settings, a run goes on from its newest checkpoint.

    Example: `lookalike train photos/people --run runs/mine --objective same-person --epochs 20`
    """
    with _clear_errors():
        from faces.detection import HaarDetector
        from training.config import TrainConfig
        from training.data import load_training_data
        from training.loop import train as train_run

        config = TrainConfig(
            sources=tuple(map(str, sources)),
            objective=objective,
            start=start,
            epochs=epochs,
            batch=batch,
            size_px=size_px,
            crop_margin=crop_margin,
            learning_rate=learning_rate,
            temperature=temperature,
            max_per_person=max_per_person,
            checkpoint_every=checkpoint_every,
            seed=seed,
            threads=threads,
            device=device,
        )
        data = load_training_data(config, HaarDetector(), _cache(run), _show_cropped)
        counts = ", ".join(f"{count} {how}" for how, count in sorted(data.report.items()))
        typer.echo(f"\r{len(data)} faces to train on ({counts})")
        try:
            train_run(data, config, run, on_progress=_show_progress)
        except KeyboardInterrupt:
            typer.echo(f"\nstopped; the same command goes on from the newest checkpoint in {run}")
            raise typer.Exit(130) from None
        typer.echo(
            f"done: `lookalike export --run {run} --to encoders/NAME` makes an encoder of it"
        )


def export(
    to: Annotated[Path, typer.Option(help="The encoder folder to make.", show_default=False)],
    run: Run = Path("runs/first"),
    name: Annotated[str, typer.Option(help="The encoder's name; the folder's by default.")] = "",
    version: Annotated[str, typer.Option(help="Version of the weights.")] = "1",
) -> None:
    """Make an encoder folder (ONNX graph and card) of a run's newest checkpoint.

    Example: `lookalike export --run runs/mine --to encoders/mine`
    """
    with _clear_errors():
        from faces.detection import HaarDetector
        from training.checkpoint import load_config
        from training.data import load_training_data
        from training.export import export_run

        data = load_training_data(load_config(run), HaarDetector(), _cache(run))
        card = export_run(run, data, to, name=name or to.name, version=version)
        typer.echo(f"{to}: {card.name} version {card.version}, {card.dimension} dimensions")


def retrieval(
    source: Annotated[
        Path, typer.Argument(help="Labelled photos: folders or a manifest.", show_default=False)
    ],
    encoder: EncoderFolder = None,
    save: Annotated[
        Path | None, typer.Option(help="Write the figures to this JSON file too.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the figures into the encoder's card too.")
    ] = False,
) -> None:
    """Search each photo among all others and print how often the same person comes back.

    Beside the encoder stand two floors on the same crops: a network with random weights, and
    eigenfaces. A photo in which no face is found counts as a failure.

    Example: `lookalike evaluate retrieval photos/people`
    """
    with _clear_errors():
        from dataclasses import replace

        import encoders
        from faces.detection import HaarDetector
        from faces.encoder import OnnxEncoder
        from faces.sources import open_source
        from training.baselines import eigenfaces, random_network
        from training.evaluation import figures_of, probe_crops, retrieve

        folder = encoder or encoders.shipped()
        onnx = OnnxEncoder(folder)
        spec = onnx.card.input
        photos = list(open_source(source))
        probes = probe_crops(photos, HaarDetector(), margin=spec.crop_margin, size_px=spec.size_px)
        embedders = {
            onnx.card.name: onnx.embed,
            "random weights": random_network,
            "eigenfaces (PCA)": eigenfaces,
        }
        scores = {name: retrieve(probes, embed(probes.crops)) for name, embed in embedders.items()}
        figures = figures_of(scores)
        typer.echo(
            f"{len(probes.crops) + probes.missed.sum()} probes of {len(probes.names)} people; "
            f"no face found in {probes.missed.sum()}\n"
        )
        _print_figures(figures)
        if save:
            save.parent.mkdir(parents=True, exist_ok=True)
            save.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        if record:
            protocol = "each photo against all others; photos without a detected face are failures"
            measured = {"protocol": protocol, "photos": source.name, **figures[onnx.card.name]}
            metrics = {**onnx.card.metrics, "retrieval": measured}
            replace(onnx.card, metrics=metrics).save(folder)


def _print_figures(figures: dict[str, dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "embedder", "hit@1", "hit@9", "precision@9", "of at most", "encoder's lead in hit@1"
    )
    for name, values in figures.items():
        plain = [f"{value:.3f}" for value in values.values() if isinstance(value, float)]
        leads = [value for value in values.values() if isinstance(value, tuple)]
        shown = [f"{lead:+.3f} (95 %: {low:+.3f} to {high:+.3f})" for lead, low, high in leads]
        table.add_row(name, *plain, *shown)
    Console().print(table)


def _cache(run: Path) -> Path:
    """Crops are shared by runs that lie side by side."""
    return run.parent / "crops"


def _show_cropped(done: int) -> None:
    typer.echo(f"\r{done} photos cropped", nl=False)


def _show_progress(progress: "Progress") -> None:
    typer.echo(
        f"\repoch {progress.epoch} step {progress.step}/{progress.steps}  "
        f"loss {progress.loss:.3f}  alignment {progress.alignment:.3f}  "
        f"{progress.images_per_s:.0f} images/s",
        nl=progress.step == progress.steps,
    )


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Tell a user's mistakes, and the missing extra, in one line."""
    from training.errors import TrainingError

    try:
        with errors_in_one_line(TrainingError):
            yield
    except ModuleNotFoundError as error:
        typer.echo(
            f"lookalike: this needs the package {error.name}; install the extra `train` "
            "(pip install -e '.[cpu,train]')",
            err=True,
        )
        raise typer.Exit(1) from None
