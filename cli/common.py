"""What the verbs that open a gallery share: options, settings, and how errors are told."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from service.settings import Settings

Data = Annotated[Path | None, typer.Option(help="Folder with the gallery.", show_default="./data")]
EncoderFolder = Annotated[
    Path | None, typer.Option(help="Encoder folder.", show_default="the shipped encoder")
]


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
