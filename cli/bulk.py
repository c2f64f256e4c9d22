"""`lookalike gallery import`, `export` and `duplicates`: many faces in, out, and looked through."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.common import (
    Collection,
    Data,
    Device,
    EncoderFolder,
    errors_in_one_line,
    opened,
    opened_gallery,
    progress_bar,
    require_gallery,
    settings_with,
)
from cli.reports import print_report, write_rejected

if TYPE_CHECKING:
    from faces.pipeline import Pipeline
    from index.build import BuildReport
    from index.duplicates import Suspect
    from index.gallery import Gallery
    from index.incoming import RowSource


def register(app: typer.Typer) -> None:
    """Add the verbs to `lookalike gallery`."""
    app.command("import")(import_)
    app.command()(export)
    app.command()(duplicates)


def import_(
    source: Annotated[
        Path,
        typer.Argument(
            help="An export, a folder per person (as deepface has), tar files, a CSV or Parquet "
            "manifest of photos, or embeddings in Parquet or npz.",
            show_default=False,
        ),
    ],
    crops: Annotated[
        bool,
        typer.Option(
            "--crops",
            help="The pictures are cut to faces already, twice as wide: look for none in them.",
        ),
    ] = False,
    rejected: Annotated[
        Path | None,
        typer.Option(help="Write what was rejected, and why, as JSON.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Threads.", min=1, show_default="one a core")
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option(help="Where to.", show_default="default; of an export, where it was"),
    ] = None,
    data: Data = None,
    encoder: EncoderFolder = None,
    device: Device = None,
) -> None:
    """Enrol all of SOURCE, while a service may be running. Broken off, run it again to go on.

    Embeddings are taken as they are if the gallery's encoder made them; else faces are embedded
    anew from their crops.

    Example: `lookalike gallery import ~/exports/staff --rejected rejected.json`
    """
    with errors_in_one_line():
        from index.incoming import open_rows

        settings = settings_with(data=data, encoder=encoder, device=device, workers=workers)
        rows = open_rows(source)
        with opened(settings, threads_in_use=settings.workers) as (gallery, pipeline):
            try:
                if rows is None:
                    report = _import_photos(
                        source,
                        gallery,
                        pipeline,
                        workers=settings.workers,
                        collection=collection or "default",
                        crops=crops,
                    )
                else:
                    report = _import_rows(rows, gallery, pipeline, collection)
            except KeyboardInterrupt:
                typer.echo("stopped; run it again to go on", err=True)
                raise typer.Exit(130) from None
        print_report(report)
        if rejected is not None:
            write_rejected(rejected, report)


def export(
    target: Annotated[
        Path, typer.Argument(help="Folder to write; with --person a .zip.", show_default=False)
    ],
    person: Annotated[
        str | None,
        typer.Option(help="All that is stored of this person, as one zip.", show_default=False),
    ] = None,
    collection: Annotated[
        str | None, typer.Option(help="Only this collection.", show_default="all")
    ] = None,
    data: Data = None,
) -> None:
    """Write the gallery as Parquet files with crops in tar files, while a service may be running.

    `lookalike gallery import` restores them, also with another encoder. Broken off, run it again to
    go on. With --person: everything about one person, for whoever asks what is stored of them.

    Example: `lookalike gallery export ~/exports/staff`
    """
    with errors_in_one_line():
        from index.exporting import count_faces
        from index.exporting import export as run
        from index.ground import open_store

        settings = settings_with(data=data)
        require_gallery(settings)
        if person is not None:
            _copy_person(settings.data, settings.store_url, person, collection, target)
            return
        database = open_store(settings.data, settings.store_url)
        try:
            with progress_bar("faces", count_faces(database, collection)) as progress:
                done = run(database, target, collection=collection, progress=progress)
        finally:
            database.close()
        typer.echo(f"{target} has {done.faces:,} faces, {done.before:,} of them from before")


def duplicates(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    nearly_the_same: Annotated[
        float, typer.Option(min=-1, max=1, help="Similarity from which faces may be one photo.")
    ] = 0.97,
    collection: Collection = "default",
    data: Data = None,
    encoder: EncoderFolder = None,
) -> None:
    """Report photos under two people, and faces nearer to somebody else than to their own.

    Nothing is changed; `lookalike people move` and `merge` do.

    Example: `lookalike gallery duplicates --json > suspects.json`
    """
    with errors_in_one_line():
        from index.duplicates import suspects
        from index.ground import open_store

        settings = settings_with(data=data, encoder=encoder)
        with opened_gallery(settings) as gallery:
            database = open_store(settings.data, settings.store_url)
            try:
                found = list(
                    suspects(
                        database, gallery, collection=collection, nearly_the_same=nearly_the_same
                    )
                )
            finally:
                database.close()
        if as_json:
            typer.echo(json.dumps([asdict(item) for item in found], indent=2, ensure_ascii=False))
        else:
            _print_suspects(found)


def _import_photos(
    source: Path,
    gallery: "Gallery",
    pipeline: "Pipeline",
    *,
    workers: int,
    collection: str,
    crops: bool,
) -> "BuildReport":
    from faces.sources import open_source
    from index.build import build, build_from_crops
    from index.photo_manifest import SUFFIXES, PhotoManifest

    is_manifest = source.is_file() and source.suffix in SUFFIXES
    photos = PhotoManifest(source) if is_manifest else open_source(source)
    if collection not in {item.name for item in gallery.collections()}:
        gallery.make_collection(collection)
    with progress_bar("photos", len(photos)) as progress:
        run = build_from_crops if crops else build
        return run(
            gallery, pipeline, photos, progress=progress, workers=workers, collection=collection
        )


def _import_rows(
    rows: "RowSource", gallery: "Gallery", pipeline: "Pipeline", collection: str | None
) -> "BuildReport":
    from index.importing import import_rows

    contract_hash = pipeline.encoder.card.contract_hash
    if rows.contract_hash != contract_hash:
        typer.echo("made by another encoder: faces are embedded anew from their crops")
    with progress_bar("faces", len(rows)) as progress:
        return import_rows(
            gallery,
            rows,
            contract_hash=contract_hash,
            embed=pipeline.embed_contexts,
            collection=collection,
            progress=progress,
        )


def _copy_person(
    data: Path, store_url: str | None, name: str, collection: str | None, target: Path
) -> None:
    from index.collections import collection_key
    from index.errors import NotFound
    from index.ground import open_store
    from index.names import clean_name
    from index.person_copy import copy_person
    from index.reading import person_by_name
    from index.tables import DEFAULT_COLLECTION

    database = open_store(data, store_url)
    try:
        with database.read() as connection:
            key = collection_key(connection, collection or DEFAULT_COLLECTION)
            person = person_by_name(connection, clean_name(name), key)
        if person is None:
            raise NotFound("person", name, by="name")
        faces = copy_person(database, person.person_id, target)
    finally:
        database.close()
    typer.echo(f"{target} has all that is stored of {person.person}: {faces:,} faces")


def _print_suspects(found: Sequence["Suspect"]) -> None:
    from rich import box as frames
    from rich.console import Console
    from rich.table import Table

    table = Table(box=frames.SIMPLE_HEAD)
    for heading in ("what", "person", "resembles", "similarity", "own", "face", "other face"):
        table.add_column(heading, overflow="fold", no_wrap=heading in {"what", "similarity", "own"})
    for item in found:
        numbers = (
            "" if value is None else f"{value:.4f}"
            for value in (item.similarity, item.own_similarity)
        )
        names = item.kind, item.person, item.other_person
        table.add_row(*names, *numbers, item.face_id, item.other_face_id)
    Console(markup=False).print(table)  # a name may hold brackets
    typer.echo(f"{len(found):,} to look at")
