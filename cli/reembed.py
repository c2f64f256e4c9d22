"""`lookalike gallery reembed`: moves a gallery to another encoder, beside a running service."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.common import (
    Data,
    errors_in_one_line,
    pipeline_of,
    progress_bar,
    require_gallery,
    settings_with,
)

if TYPE_CHECKING:
    from faces.card import Card
    from index.database import Database
    from index.reembedding import Plan

LOW_PRIORITY = 10
"""Added to the nice value of this process: searches of a service beside it come first."""


def register(app: typer.Typer) -> None:
    """Add the verb to `lookalike gallery`."""
    app.command()(reembed)


def reembed(
    encoder: Annotated[
        Path | None,
        typer.Option(help="Folder of the new encoder.", show_default="the shipped encoder"),
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Go back to the encoder before this one.")
    ] = False,
    drop_old: Annotated[
        bool,
        typer.Option(
            "--drop-old", help="Drop the embeddings of all other encoders; no rollback after it."
        ),
    ] = False,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="Faces a second at most.", show_default="no limit")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the encoder.")] = 1,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss", help="Go on although the stored crops lack what the encoder wants."
        ),
    ] = False,
    data: Data = None,
) -> None:
    """Move the gallery over to another encoder, while searches and enrolments go on.

    Faces are embedded from their stored crops. Searches are answered with the old encoder until all
    are; a running service then takes up the new one by itself. Broken off, it goes on when it is
    started again. The old embeddings stay, so that --rollback can go back, until --drop-old.

    Example: `lookalike gallery reembed --encoder encoders/next --rate 20`
    """
    with errors_in_one_line():
        import encoders
        from index.ground import open_store

        settings = settings_with(data=data, encoder=encoder)
        require_gallery(settings)
        database = open_store(settings.data, settings.store_url)
        try:
            if drop_old and not rollback and encoder is None:
                _drop(database)
                return
            if rollback:
                folder = _former(database, encoder)
            else:
                folder = settings.encoder or encoders.shipped()
            _move(database, folder, rate=rate, threads=threads, accept_loss=accept_loss, data=data)
            if drop_old:
                _drop(database)
        finally:
            database.close()


def _former(database: "Database", given: Path | None) -> Path:
    """The folder of the encoder to go back to; `given` where the gallery does not know it."""
    from index.binding import former_encoder
    from index.errors import Conflict

    with database.read() as connection:
        former = former_encoder(connection)
    if former is None:
        raise Conflict("there is no encoder to go back to: the gallery has had one only")
    folder = given or former.folder
    if folder is None:
        raise Conflict(
            f"nobody has told the gallery where encoder {former.name!r} is: name it by --encoder"
        )
    return folder


def _move(
    database: "Database",
    folder: Path,
    *,
    rate: float | None,
    threads: int,
    accept_loss: bool,
    data: Path | None,
) -> None:
    """Plan, tell, embed and switch."""
    from faces.encoder import OnnxEncoder
    from index.reembedding import Reembedding

    settings = settings_with(data=data)
    pipeline = pipeline_of(OnnxEncoder(folder, device=settings.device, threads=threads), settings)
    card = pipeline.encoder.card
    move = Reembedding(database, card, folder, actor="cli")
    plan = move.plan()
    typer.echo(
        f"from {plan.bound} to {card.name}: {plan.missing:,} of {plan.faces:,} faces to embed"
    )
    _tell_losses(card, plan, accepted=accept_loss)
    os.nice(LOW_PRIORITY)
    try:
        with progress_bar("faces", plan.missing) as progress:
            done = move.run(
                pipeline.embed_contexts,
                faces_per_s=rate,
                without_lost=accept_loss,
                progress=progress,
            )
    except KeyboardInterrupt:
        typer.echo("stopped; run it again to go on", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"embedded {done.embedded:,} faces in {done.seconds:.1f} s")
    for face_id in done.lost:
        typer.echo(f"left out {face_id}: its crop is missing or damaged")
    typer.echo(f"{settings.data} belongs to encoder {card.name} now; a service follows by itself")


def _tell_losses(card: "Card", plan: "Plan", *, accepted: bool) -> None:
    """Say what the stored crops lack, and stop unless that is accepted."""
    from faces.coverage import TURNED_DEG, coverage

    found = coverage(card.input)
    losses = []
    if found.beyond or found.beyond_turned:
        losses.append(
            f"{found.beyond:.1%} of an upright face's crop lies beyond what is stored, "
            f"{found.beyond_turned:.1%} of one turned by {TURNED_DEG:.0f} degrees; it will be black"
        )
    if found.coarse_from_px is not None and plan.large:
        losses.append(
            f"{plan.large:,} faces were wider than {found.coarse_from_px} px and are stored "
            f"smaller than {card.name} wants them ({card.input.size_px} px)"
        )
    for loss in losses:
        typer.echo(f"loss: {loss}")
    if losses and not accepted:
        typer.echo(
            "lookalike: photos enrolled anew would not lose this; to go on from the stored crops "
            "say --accept-loss",
            err=True,
        )
        raise typer.Exit(1)


def _drop(database: "Database") -> None:
    from index.dropping import drop_others

    typer.echo(f"dropped {drop_others(database, actor='cli'):,} embeddings of other encoders")
