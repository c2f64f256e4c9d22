"""`lookalike people ...`: naming people, making one of two, and giving a face to somebody else."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.common import (
    Collection,
    Data,
    EncoderFolder,
    errors_in_one_line,
    opened_gallery,
    settings_with,
)

if TYPE_CHECKING:
    from index.gallery import Gallery
    from index.records import Person

PAGE = 500

Name = Annotated[str, typer.Argument(help="Name of the person.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verbs as `lookalike people ...`."""
    people_app = typer.Typer(help="Name, merge and split people.", no_args_is_help=True)
    people_app.command("list")(list_people)
    for verb in (rename, merge, move, erase):
        people_app.command()(verb)
    app.add_typer(people_app, name="people")


def list_people(
    prefix: Annotated[str, typer.Argument(help="Only names that begin so.")] = "",
    collection: Collection = "default",
    data: Data = None,
    encoder: EncoderFolder = None,
) -> None:
    """List people by name, with how many faces each has.

    Example: `lookalike people list ada`
    """
    with errors_in_one_line(), opened_gallery(settings_with(data=data, encoder=encoder)) as gallery:
        cursor = None
        while True:
            page = gallery.people(prefix=prefix, limit=PAGE, cursor=cursor, collection=collection)
            for person in page.items:
                typer.echo(f"{person.faces:>7,}  {person.person_id}  {person.person}")
            cursor = page.next_cursor
            if cursor is None:
                return


def rename(
    name: Name,
    new_name: Annotated[str, typer.Argument(help="What to call them.", show_default=False)],
    collection: Collection = "default",
    data: Data = None,
    encoder: EncoderFolder = None,
) -> None:
    """Give a person another name. A name that is taken is refused; see `merge`.

    Example: `lookalike people rename "Ada" "Ada Lovelace"`
    """
    with errors_in_one_line(), opened_gallery(settings_with(data=data, encoder=encoder)) as gallery:
        from index.errors import Conflict

        person = _called(gallery, name, collection)
        if gallery.person_called(new_name, collection=collection) is not None:
            raise Conflict(f"{new_name!r} is somebody already; `people merge` makes them one")
        renamed = gallery.rename_person(person.person_id, new_name)
        typer.echo(f"{name} is {renamed.person} now")


def merge(
    name: Name,
    into: Annotated[str, typer.Argument(help="Who gets the faces.", show_default=False)],
    collection: Collection = "default",
    data: Data = None,
    encoder: EncoderFolder = None,
) -> None:
    """Make one person of two: INTO gets the faces of NAME.

    Example: `lookalike people merge "A. Lovelace" "Ada Lovelace"`
    """
    with errors_in_one_line(), opened_gallery(settings_with(data=data, encoder=encoder)) as gallery:
        person, other = (_called(gallery, one, collection) for one in (name, into))
        merged = gallery.merge_people([person.person_id], other.person_id)
        typer.echo(f"{merged.person} has {merged.faces:,} faces now")


def move(
    name: Annotated[str, typer.Argument(help="Who gets the faces.", show_default=False)],
    face_ids: Annotated[list[str], typer.Argument(help="Ids of faces.", show_default=False)],
    data: Data = None,
    encoder: EncoderFolder = None,
) -> None:
    """Give faces to NAME, who is made if there is nobody called so. This splits a person.

    Example: `lookalike people move "Bo Wren" 01JD0Q3V9S2X5Y6Z7A8B9C0D1E`
    """
    with errors_in_one_line(), opened_gallery(settings_with(data=data, encoder=encoder)) as gallery:
        from index.records import FaceChange

        for face_id in face_ids:
            face = gallery.change_face(face_id, FaceChange(person=name))
            typer.echo(f"{face.face_id} is a face of {face.person} now")


def erase(
    name: Name,
    collection: Collection = "default",
    data: Data = None,
    encoder: EncoderFolder = None,
) -> None:
    """Erase a person with all faces for good.

    Example: `lookalike people erase "Bo Wren"`
    """
    with errors_in_one_line(), opened_gallery(settings_with(data=data, encoder=encoder)) as gallery:
        erased = gallery.erase_person(_called(gallery, name, collection).person_id)
        typer.echo(f"erased {name} with {erased:,} faces")


def _called(gallery: "Gallery", name: str, collection: str) -> "Person":
    from index.errors import NotFound

    person = gallery.person_called(name, collection=collection)
    if person is None:
        raise NotFound("person", name, by="name")
    return person
