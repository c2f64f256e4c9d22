"""The verbs of the gallery: `index build` fills it, `search` asks it, `gallery ...` keeps it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from cli import bulk, face_map, gallery_care, people, reembed
from cli.common import (
    Collection,
    Data,
    Device,
    EncoderFolder,
    errors_in_one_line,
    opened,
    progress_bar,
    settings_with,
)
from cli.reports import print_report

if TYPE_CHECKING:
    from faces.pipeline import EmbeddedFace
    from index.gallery import Gallery
    from index.records import Match
    from service.settings import Settings

index_app = typer.Typer(help="Fill the gallery.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    index_app.command()(build)
    index_app.callback()(lambda: None)  # keeps `build` a verb although it is the only one
    app.add_typer(index_app, name="index")
    gallery_app = typer.Typer(help="Keep the gallery in order.", no_args_is_help=True)
    gallery_care.register(gallery_app)
    reembed.register(gallery_app)
    bulk.register(gallery_app)
    face_map.register(gallery_app)
    app.add_typer(gallery_app, name="gallery")
    people.register(app)
    app.command()(search)


def build(
    source: Annotated[
        Path,
        typer.Argument(
            help="Photos: a folder per person, manifest.csv with tar shards, or one folder.",
            show_default=False,
        ),
    ],
    data: Data = None,
    encoder: EncoderFolder = None,
    device: Device = None,
    workers: Annotated[
        int | None, typer.Option(help="Threads.", min=1, show_default="one a core")
    ] = None,
    collection: Collection = "default",
    unnamed: Annotated[
        bool, typer.Option("--unnamed", help="Nobody is named: each face is a person of its own.")
    ] = False,
) -> None:
    """Enrol all photos of SOURCE. What is enrolled already is skipped; a service may be running.

    Example: `lookalike index build ~/people --data ~/faces`
    """
    with errors_in_one_line():
        from faces.sources import open_source
        from index.build import build as run

        settings = settings_with(data=data, encoder=encoder, device=device, workers=workers)
        photos = open_source(source)
        total = len(photos)
        with opened(settings, threads_in_use=settings.workers) as (gallery, pipeline):
            try:
                with progress_bar("photos", total) as progress:
                    report = run(
                        gallery,
                        pipeline,
                        photos,
                        progress=progress,
                        workers=settings.workers,
                        collection=collection,
                        unnamed=unnamed,
                    )
            except KeyboardInterrupt:
                typer.echo("stopped; run it again to go on", err=True)
                raise typer.Exit(130) from None
            stats = gallery.stats()
        print_report(report)
        typer.echo(f"{settings.data} has {stats.people:,} people and {stats.faces:,} faces now")


def search(
    photo: Annotated[Path, typer.Argument(help="The photo to ask with.", show_default=False)],
    k: Annotated[int, typer.Option(min=1, max=100, help="Matches for each face.")] = 9,
    group_by: Annotated[
        Literal["person", "face"],
        typer.Option(help="Name each person once, by the best face, or every face."),
    ] = "person",
    faces: Annotated[
        Literal["largest", "all"], typer.Option(help="Which faces of the photo.")
    ] = "largest",
    collection: Collection = "default",
    save: Annotated[
        Path | None,
        typer.Option(help="Draw boxes and look-alikes into this picture.", show_default=False),
    ] = None,
    data: Data = None,
    encoder: EncoderFolder = None,
    device: Device = None,
) -> None:
    """Find the faces in the gallery that look most like those of PHOTO.

    Example: `lookalike search me.jpg --k 5 --save answer.png`
    """
    with errors_in_one_line():
        import numpy as np

        from faces.errors import BadSource

        settings = settings_with(data=data, encoder=encoder, device=device)
        try:
            image = photo.read_bytes()
        except OSError as error:
            raise BadSource(f"{photo} cannot be read: {error.strerror}") from None
        if not settings.data.is_dir():
            _refuse_empty(settings)
        with opened(settings) as (gallery, pipeline):
            if gallery.stats().faces == 0:
                _refuse_empty(settings)
            found = pipeline.embed(image, faces).faces
            probes = np.stack([face.embedding for face in found])
            answers = gallery.search(probes, k=k, group_by=group_by, collection=collection)
            for face, matches in zip(found, answers, strict=True):
                _print_matches(face, matches)
            if save is not None:
                _draw(save, image, gallery, found, answers)


def _refuse_empty(settings: "Settings") -> NoReturn:
    typer.echo(
        f"lookalike: the gallery in {settings.data} is empty; "
        "fill it first: lookalike index build FOLDER",
        err=True,
    )
    raise typer.Exit(1)


def _print_matches(face: "EmbeddedFace", matches: Sequence["Match"]) -> None:
    from rich import box as frames
    from rich.console import Console
    from rich.table import Table

    place = face.face.box
    table = Table(
        title=f"face at ({place.left}, {place.top}), {place.width} x {place.height} px",
        title_justify="left",
        box=frames.SIMPLE_HEAD,
    )
    for heading in ("", "similarity", "faces"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("person", overflow="fold")
    table.add_column("face id", no_wrap=True)
    for rank, match in enumerate(matches, start=1):
        table.add_row(
            str(rank),
            f"{match.similarity:.4f}",
            str(match.faces_of_person),
            match.face.person,
            match.face.face_id,
        )
    Console(markup=False).print(table)  # a name may hold brackets


def _draw(
    target: Path,
    image: bytes,
    gallery: "Gallery",
    found: Sequence["EmbeddedFace"],
    answers: Sequence[Sequence["Match"]],
) -> None:
    """Write the contact sheet of a search."""
    from faces.contact_sheet import Answer, Neighbour, contact_sheet, write_picture
    from faces.decode import decode_image

    rows = [
        Answer(
            face.face.box,
            [
                Neighbour(
                    decode_image(gallery.crop(match.face.face_id)),
                    (match.face.person, f"{match.similarity:.3f}"),
                )
                for match in matches
            ],
        )
        for face, matches in zip(found, answers, strict=True)
    ]
    try:
        write_picture(target, contact_sheet(decode_image(image), rows))
    except (OSError, ValueError) as error:
        typer.echo(f"lookalike: {target} cannot be written: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"drawn into {target}")
