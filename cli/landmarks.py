"""The verbs of the landmark network: `landmarks train` and `landmarks add`. They need `train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.common import training_errors_in_one_line

if TYPE_CHECKING:
    from training.landmarks.loop import LandmarkProgress


def register(app: typer.Typer) -> None:
    """Add the group of verbs to the command."""
    group = typer.Typer(
        help="The small network that confirms faces and finds their landmarks.",
        no_args_is_help=True,
    )
    group.command()(train)
    group.command()(add)
    app.add_typer(group, name="landmarks")


def train(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="Folders with a manifest.csv that has boxes and landmarks.", show_default=False
        ),
    ],
    to: Annotated[Path, typer.Option(help="The file to make.")] = Path("landmarks.onnx"),
    cache: Annotated[Path, typer.Option(help="Folder for the squares cut from the photos.")] = Path(
        "runs/crops"
    ),
    steps: Annotated[int, typer.Option(help="Steps of the optimiser.")] = 1000,
    batch: Annotated[int, typer.Option(help="Squares in a step.")] = 192,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 takes all cores.")] = 0,
) -> None:
    """Train the landmark network on photos whose manifest has landmarks.

    Rows of another split than "train" are left out. What is no face comes from the same photos.

    Example: `lookalike landmarks train photos/celeba --to landmarks.onnx`
    """
    with training_errors_in_one_line():
        from training.landmarks.config import LandmarkConfig
        from training.landmarks.data import load_landmark_data
        from training.landmarks.export import export_landmarks
        from training.landmarks.loop import first_views, train_landmarks

        config = LandmarkConfig(
            tuple(map(str, sources)), steps=steps, batch=batch, seed=seed, threads=threads
        )
        data = load_landmark_data(config, cache, progress=_show_cut)
        typer.echo(f"\r{len(data.faces)} faces, {len(data.others)} squares without a face")
        network = train_landmarks(data, config, _show_progress)
        export_landmarks(network, config, first_views(data, config), to)
        typer.echo(f"{to}: {to.stat().st_size / 1e6:.2f} MB")


def add(
    landmarks: Annotated[Path, typer.Argument(help="The trained file.", show_default=False)],
    encoder: Annotated[Path, typer.Argument(help="The encoder folder.", show_default=False)],
) -> None:
    """Put a landmark network beside an encoder, so that it confirms and aligns for it.

    That makes it another encoder: galleries made before do not fit it any more.

    Example: `lookalike landmarks add landmarks.onnx encoders/mine`
    """
    with training_errors_in_one_line():
        from training.landmarks.export import add_to_encoder

        card = add_to_encoder(landmarks, encoder)
        typer.echo(f"{encoder}: {card.name} now confirms faces, alignment {card.input.alignment}")


def _show_cut(done: int) -> None:
    if done % 100 == 0:
        typer.echo(f"\r{done} photos", nl=False)


def _show_progress(progress: "LandmarkProgress") -> None:
    typer.echo(
        f"\rstep {progress.step}/{progress.steps}  points {progress.wing:.4f}  "
        f"face or not {progress.cross_entropy:.4f}  {progress.squares_per_s:.0f} squares/s",
        nl=progress.step == progress.steps,
    )
