"""What the verbs that open a gallery share: options, settings, and how errors are told."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import typer

if TYPE_CHECKING:
    from faces.encoder import OnnxEncoder
    from faces.pipeline import Pipeline
    from faces.types import Detector
    from index.gallery import Gallery
    from service.settings import Settings

Data = Annotated[Path | None, typer.Option(help="Folder with the gallery.", show_default="./data")]
EncoderFolder = Annotated[
    Path | None, typer.Option(help="Encoder folder.", show_default="the shipped encoder")
]
Device = Annotated[str | None, typer.Option(help="auto, cpu or cuda.", show_default="auto")]
Collection = Annotated[str, typer.Option(help="Which collection of the gallery.")]


class Move(Protocol):
    """Moves a progress bar to `done`; what it counts, and of how many, may change on the way."""

    def __call__(self, done: int, *, what: str = ..., total: int | None = ...) -> None:
        """Move it."""


def settings_with(**options: object) -> "Settings":
    """The environment's settings with the options before them; warns of unknown variables.

    Raises:
        SettingsError: a value is not allowed.
    """
    from service.settings import read_settings, unknown_variables

    for name in unknown_variables(os.environ):
        typer.echo(f"warning: {name} is no setting and does nothing", err=True)
    return read_settings(**options)


@contextmanager
def opened(
    settings: "Settings", *, threads_in_use: int = 1
) -> Iterator[tuple["Gallery", "Pipeline"]]:
    """The gallery of the settings, and the pipeline that its encoder belongs to."""
    from faces.encoder import OnnxEncoder
    from index.gallery import Gallery

    folder = encoder_folder(settings)
    encoder = OnnxEncoder(
        folder,
        device=settings.device,
        threads=max(1, (os.cpu_count() or 1) // threads_in_use),
    )
    with Gallery.open(
        settings.data,
        encoder=encoder.card,
        encoder_folder=folder,
        store_url=settings.store_url,
        index_kind=settings.index_kind,
        actor="cli",
    ) as gallery:
        yield gallery, pipeline_of(encoder, settings)


def encoder_folder(settings: "Settings") -> Path:
    """The folder of the encoder to open the gallery of the settings with.

    Raises:
        BadCard: the folder that the settings name is no encoder folder.
    """
    import encoders
    from index.ground import store_place
    from index.own_encoder import own_encoder

    store = store_place(settings.data, settings.store_url)
    return own_encoder(store, asked_for=settings.encoder, default=encoders.shipped())


def pipeline_of(encoder: "OnnxEncoder", settings: "Settings") -> "Pipeline":
    """The pipeline around an encoder, within the limits of the settings."""
    from faces.confirmation import open_detector
    from faces.decode import Limits
    from faces.pipeline import Pipeline

    limits = Limits(settings.max_bytes, settings.max_pixels)
    return Pipeline(open_detector(encoder), encoder, limits)


def detector_for(alignment: Literal["box", "landmarks"]) -> "Detector":
    """What finds faces in photos to train on: as an encoder of such crops will be served."""
    import encoders
    from faces.confirmation import ConfirmingDetector
    from faces.detection import HaarDetector
    from faces.landmarks import LandmarkNetwork

    if alignment == "box":
        return HaarDetector()
    return ConfirmingDetector(LandmarkNetwork(encoders.landmark_network()))


def require_gallery(settings: "Settings") -> None:
    """Make sure that there is a gallery, since opening one would make it.

    Raises:
        NotFound: the data folder has none.
    """
    from index.errors import NotFound
    from index.gallery import STORE_FILE

    if settings.store_url is None and not (settings.data / STORE_FILE).exists():
        raise NotFound("gallery", str(settings.data), by="folder")


@contextmanager
def opened_gallery(settings: "Settings") -> Iterator["Gallery"]:
    """The gallery alone, which must be there: for verbs that embed nothing.

    Raises:
        NotFound: the data folder has no gallery; none is made.
    """
    from faces.card import load_card
    from index.gallery import Gallery

    require_gallery(settings)
    with Gallery.open(
        settings.data,
        encoder=load_card(encoder_folder(settings)),
        store_url=settings.store_url,
        index_kind=settings.index_kind,
        actor="cli",
    ) as gallery:
        yield gallery


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator["Move"]:
    """A progress bar on stderr; gives what moves it to a number of what it counts."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:
        task = bar.add_task(what, total=total)

        def move(done: int, *, what: str = what, total: int | None = total) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield move


@contextmanager
def errors_in_one_line(*more: type[Exception]) -> Iterator[None]:
    """Turn the errors that a user can mend, and `more`, into one line and exit status 1."""
    from faces.errors import FaceError
    from index.errors import GalleryError
    from service.errors import SettingsError

    told: tuple[type[Exception], ...] = (FaceError, GalleryError, SettingsError, FileNotFoundError)
    try:
        yield
    except told + more as error:
        typer.echo(f"lookalike: {error}", err=True)
        raise typer.Exit(1) from None


@contextmanager
def training_errors_in_one_line() -> Iterator[None]:
    """Tell the errors of the offline job, and a missing extra `train`, in one line as well."""
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
