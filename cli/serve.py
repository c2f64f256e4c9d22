"""`lookalike serve` starts the web service; `lookalike info` tells what is there."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.common import (
    Data,
    Device,
    EncoderFolder,
    encoder_folder,
    errors_in_one_line,
    settings_with,
)

if TYPE_CHECKING:
    from faces.card import Card
    from service.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command()(serve)
    app.command()(info)


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port; 0 takes a free one.", show_default="8000")
    ] = None,
    data: Data = None,
    encoder: EncoderFolder = None,
    device: Device = None,
    sample_people: Annotated[
        bool | None, typer.Option(help="Fill an empty gallery with made-up people.")
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(help="debug, info, warning or error.", show_default="info")
    ] = None,
) -> None:
    """Start the web service. Options go before the LOOKALIKE_ variables of the environment.

    Example: `lookalike serve --port 8080 --data ~/faces`
    """
    with errors_in_one_line():
        from service.server import serve as run

        settings = settings_with(
            host=host,
            port=port,
            data=data,
            encoder=encoder,
            device=device,
            sample_people=sample_people,
            log_level=log_level,
        )
        run(settings, on_ready=_announce)


def info(data: Data = None, encoder: EncoderFolder = None) -> None:
    """Show versions, the encoder and the size of the gallery.

    Example: `lookalike info --data ~/faces`
    """
    with errors_in_one_line():
        from faces.card import load_card
        from service.versions import versions

        settings = settings_with(data=data, encoder=encoder)
        folder = encoder_folder(settings)
        card = load_card(folder)
        size_px = card.input.size_px
        lines = (
            ("versions", ", ".join(f"{name} {number}" for name, number in versions().items())),
            ("encoder", f"{card.name}, version {card.version}, of {card.created}"),
            ("", f"{card.dimension} numbers from {size_px} x {size_px} px; {folder}"),
            ("gallery", _gallery_line(settings, card)),
        )
        for heading, text in lines:
            typer.echo(f"{heading:<10}{text}")


def _gallery_line(settings: "Settings", card: "Card") -> str:
    if settings.store_url is None and not settings.data.is_dir():
        return f"none yet in {settings.data}"
    from index.gallery import Gallery

    with Gallery.open(
        settings.data,
        encoder=card,
        store_url=settings.store_url,
        index_kind=settings.index_kind,
        actor="cli",
    ) as gallery:
        stats = gallery.stats()
    return f"{stats.people:,} people, {stats.faces:,} faces in {settings.data}"


def _announce(url: str) -> None:
    """Tell where to click and what to type, once the service answers."""
    typer.echo(
        f"\nLookalike is ready: {url}\n"
        f"  API reference:    {url}/docs\n"
        f"  from a terminal:  curl -F image=@photo.jpg {url}/search\n"
        "  to stop:          Ctrl+C\n"
    )
