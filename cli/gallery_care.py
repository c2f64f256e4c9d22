"""`lookalike gallery ...`: what keeps a gallery in order, beside a running service too."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.common import (
    Collection,
    Data,
    EncoderFolder,
    encoder_folder,
    errors_in_one_line,
    opened_gallery,
    pipeline_of,
    require_gallery,
    settings_with,
)

if TYPE_CHECKING:
    from faces.card import Card
    from index.checkup import CheckReport

FINDINGS_SHOWN = 20
"""Findings of a check that are printed one by one."""

STRANGERS_TAKEN_FOR_ONE = 1e-4
"""False-match rate from which two faces are taken for one person, unless told otherwise."""


def register(app: typer.Typer) -> None:
    """Add the verbs to `lookalike gallery`."""
    for verb in (expire, backup, restore, check, cluster):
        app.command()(verb)


def expire(data: Data = None, encoder: EncoderFolder = None) -> None:
    """Erase the faces whose time has come. A running service does so by itself, within seconds.

    Example: `lookalike gallery expire --data ~/faces`
    """
    with errors_in_one_line(), opened_gallery(settings_with(data=data, encoder=encoder)) as gallery:
        typer.echo(f"erased {gallery.erase_expired():,} faces whose time had come")


def backup(
    target: Annotated[
        Path | None,
        typer.Argument(help="The file to write.", show_default="gallery-DATE-TIME.sqlite"),
    ] = None,
    data: Data = None,
    encoder: EncoderFolder = None,
) -> None:
    """Copy the whole gallery into one file, while a service may be using it.

    Example: `lookalike gallery backup /backups/monday.sqlite`
    """
    with errors_in_one_line(), opened_gallery(settings_with(data=data, encoder=encoder)) as gallery:
        chosen = target or Path(f"gallery-{datetime.now(UTC):%Y%m%d-%H%M%S}.sqlite")
        size = gallery.backup(chosen)
        typer.echo(f"{chosen} has the gallery as it was ({size / 2**20:,.1f} MiB)")


def restore(
    source: Annotated[Path, typer.Argument(help="A file that backup wrote.", show_default=False)],
    replace: Annotated[
        bool, typer.Option("--replace", help="Lose the faces that are in the gallery now.")
    ] = False,
    data: Data = None,
) -> None:
    """Put a backup in the gallery's place. The service must be stopped.

    Faces that were erased since the backup was made are erased again, as far as the gallery that is
    replaced still knows of them.

    Example: `lookalike gallery restore /backups/monday.sqlite --replace`
    """
    with errors_in_one_line():
        from index.backup import restore as run
        from index.gallery import INDEX_FOLDER, STORE_FILE
        from index.ground import refuse_server

        settings = settings_with(data=data)
        refuse_server(settings.store_url, "is restored with PostgreSQL's own pg_restore")
        folder = settings.data
        done = run(
            source,
            folder,
            store=folder / STORE_FILE,
            index=folder / INDEX_FOLDER,
            replace=replace,
        )
        typer.echo(f"{folder} has {done.faces:,} faces now")
        if done.erased_again:
            typer.echo(f"erased {done.erased_again:,} again that had been erased since the backup")


def check(
    repair: Annotated[bool, typer.Option("--repair", help="Rebuild what can be rebuilt.")] = False,
    data: Data = None,
    encoder: EncoderFolder = None,
) -> None:
    """Check every page, crop and embedding, and the index against the store.

    Ends with status 1 if something is wrong that is not repaired.

    Example: `lookalike gallery check --repair`
    """
    with errors_in_one_line():
        from faces.encoder import OnnxEncoder
        from index.gallery import Gallery

        settings = settings_with(data=data, encoder=encoder)
        require_gallery(settings)
        folder = encoder_folder(settings)
        pipeline = pipeline_of(OnnxEncoder(folder, device=settings.device, threads=1), settings)
        report = Gallery.check(
            settings.data,
            encoder=pipeline.encoder.card,
            store_url=settings.store_url,
            embed=pipeline.embed_contexts,
            repair=repair,
            actor="cli",
        )
        _print_findings(report)
        if not report.clean:
            raise typer.Exit(1)


def cluster(
    min_similarity: Annotated[
        float | None,
        typer.Option(help="From here on two faces may be one person.", min=-1, max=1),
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Make one person of each group.")] = False,
    collection: Collection = "default",
    data: Data = None,
    encoder: EncoderFolder = None,
) -> None:
    """Group the unnamed faces that are likely of one person.

    Unnamed are those that `lookalike index build --unnamed` enrolled and nobody has named since.

    Example: `lookalike gallery cluster --min-similarity 0.6 --apply`
    """
    with errors_in_one_line():
        from faces.card import load_card

        settings = settings_with(data=data, encoder=encoder)
        if min_similarity is None:
            min_similarity = _usual_similarity(load_card(encoder_folder(settings)))
        with opened_gallery(settings) as gallery:
            proposals = gallery.clusters(min_similarity=min_similarity, collection=collection)
            for number, proposal in enumerate(proposals, start=1):
                first, *others = proposal.person_ids
                name = gallery.person(first).person
                typer.echo(f"{number:>4}  {len(proposal.face_ids):>5} faces  {name}")
                if apply:
                    gallery.merge_people(others, first)
        verb = "made one person of each of" if apply else "found"
        typer.echo(f"{verb} {len(proposals):,} groups, at a similarity of {min_similarity:.2f}")


def _usual_similarity(card: "Card") -> float:
    """What the encoder's calibration says; without one the user has to."""
    from faces.calibration import read_calibration

    if card.calibration is None:
        typer.echo(
            f"lookalike: {card.name} has no calibration; say --min-similarity, such as 0.6",
            err=True,
        )
        raise typer.Exit(2)
    return read_calibration(card.calibration).similarity_at(STRANGERS_TAKEN_FOR_ONE)


def _print_findings(report: "CheckReport") -> None:
    typer.echo(f"checked {report.people:,} people and {report.faces:,} faces")
    for finding in report.findings[:FINDINGS_SHOWN]:
        state = "repaired" if finding.repaired else "WRONG"
        typer.echo(f"  {state:<9} {finding.what}: {finding.where}")
    if len(report.findings) > FINDINGS_SHOWN:
        typer.echo(f"  and {len(report.findings) - FINDINGS_SHOWN:,} more")
    if report.clean:
        typer.echo("all is well")
    elif any(finding.what == "index" and not finding.repaired for finding in report.findings):
        typer.echo("the index is built anew if the service is restarted without DATA/index")
