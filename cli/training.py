"""The verbs that train: `train` and `export`. They need the extra `train`."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from cli.common import detector_for, training_errors_in_one_line
from training.config import TrainConfig

if TYPE_CHECKING:
    from training.data import TrainingData
    from training.distributed import World
    from training.monitor import Progress

Verb = TypeVar("Verb", bound=Callable[..., None])

Sources = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Folders of photos: a folder per person, manifest.csv with tar shards, or photos.",
        show_default=False,
    ),
]
Run = Annotated[Path, typer.Option(help="The run's folder: settings, checkpoints, log.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command()(train)
    app.command()(export)


def _with_settings(verb: Verb) -> Verb:
    """Give a verb with `**settings` an option for each setting of TrainConfig but the sources.

    So what a setting means, and what it is without the option, is said in one place.
    """
    signature = inspect.signature(verb, eval_str=True)
    own = [item for item in signature.parameters.values() if item.kind is not item.VAR_KEYWORD]
    settings = [_option(item) for item in fields(TrainConfig) if item.default is not MISSING]
    verb.__signature__ = signature.replace(parameters=own + settings)  # type: ignore[attr-defined]
    return verb


def _option(item: "Field[Any]") -> inspect.Parameter:
    """The option of one setting; None where it is not given, so that a recipe can set it."""
    option = typer.Option(help=item.metadata["help"], show_default=str(item.default) or "none")
    return inspect.Parameter(
        item.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[item.type | None, option],  # type: ignore[operator]  # a type
    )


@_with_settings
def train(
    sources: Sources = None,
    run: Run = Path("runs/first"),
    recipe: Annotated[
        str,
        typer.Option(
            help="Settings in a TOML file, or the name of a recipe that ships; options go before "
            "it.",
            show_default="none",
        ),
    ] = "",
    **settings: Any,  # noqa: ANN401  # as TrainConfig has them
) -> None:
    """Train an encoder on photos, with or without names.

    Ctrl-C saves where the run stands. Started again with the same folder and settings, a run goes
    on from there. `torchrun` trains on several GPUs.

    Example: `lookalike train photos/people --run runs/mine --objective same-person --epochs 20`
    """
    with training_errors_in_one_line():
        from training.recipe import configure

        folders = tuple(map(str, sources)) if sources else None
        config = configure(recipe, {"sources": folders, **settings})
        from training.distributed import joined
        from training.loop import train as train_run

        with joined(config.device) as world:
            data, validation = _load(config, run, world)
            try:
                train_run(data, config, run, validation=validation, world=world, on_progress=_show)
            except KeyboardInterrupt:
                _tell(world, f"\nstopped; the same command goes on from there; it is in {run}")
                raise typer.Exit(130) from None
            _tell(
                world, f"done: `lookalike export --run {run} --to encoders/NAME` makes an encoder"
            )


def export(
    to: Annotated[Path, typer.Option(help="The encoder folder to make.", show_default=False)],
    run: Run = Path("runs/first"),
    name: Annotated[str, typer.Option(help="The encoder's name; the folder's by default.")] = "",
    version: Annotated[str, typer.Option(help="Version of the weights.")] = "1",
    landmarks: Annotated[
        Path | None,
        typer.Option(
            help="Landmark network to go with it, where crops are aligned by landmarks.",
            show_default="the shipped one",
        ),
    ] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="Compute in 8-bit integers: faster on CPUs.")
    ] = False,
) -> None:
    """Make an encoder folder (ONNX graph and card) of a run's newest checkpoint.

    Example: `lookalike export --run runs/mine --to encoders/mine`
    """
    with training_errors_in_one_line():
        import encoders
        from training.checkpoint import load_config
        from training.data import load_training_data
        from training.export import export_run

        config = load_config(run)
        data = load_training_data(config, detector_for(config.alignment), _cache(run))
        beside = None
        if config.alignment == "landmarks":
            beside = landmarks or encoders.landmark_network()
        card = export_run(
            run, data, to, name=name or to.name, version=version, landmarks=beside, int8=int8
        )
        typer.echo(f"{to}: {card.name} version {card.version}, {card.dimension} dimensions")


def _load(
    config: TrainConfig, run: Path, world: "World"
) -> tuple["TrainingData", "TrainingData | None"]:
    """Photos to train on and to validate on; process 0 crops them, the others find the crops."""
    from training.data import load_training_data, load_validation_data
    from training.teachers import with_teacher

    if world.rank:
        world.wait()
    detector, cache = detector_for(config.alignment), _cache(run)
    data = load_training_data(config, detector, cache, _show_cropped)
    validation = load_validation_data(config, detector, cache, _show_cropped)
    data = with_teacher(data, config, detector, cache, _show_embedded)
    if not world.rank:
        world.wait()
    counts = ", ".join(f"{count} {how}" for how, count in sorted(data.report.items()))
    _tell(world, f"\r{len(data)} faces to train on ({counts})")
    if validation is not None:
        _tell(world, f"{len(validation)} faces to validate on")
    return data, validation


def _cache(run: Path) -> Path:
    """Crops are shared by runs that lie side by side."""
    return run.parent / "crops"


def _tell(world: "World", text: str) -> None:
    if not world.rank:
        typer.echo(text)


def _show_cropped(done: int) -> None:
    typer.echo(f"\r{done} photos cropped", nl=False)


def _show_embedded(done: int) -> None:
    typer.echo(f"\r{done} photos shown to the teacher", nl=False)


def _show(progress: "Progress") -> None:
    """One line, written over until the epoch is over."""
    knn = "" if progress.knn is None else f"  kNN {progress.knn:.3f}"
    typer.echo(
        f"\repoch {progress.epoch} step {progress.step}/{progress.steps}  "
        f"loss {progress.loss:.3f}  alignment {progress.alignment:.3f}  "
        f"uniformity {progress.uniformity:.2f}  {progress.images_per_s:.0f} images/s{knn}",
        nl=progress.step == progress.steps,
    )
