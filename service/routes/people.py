"""People: listing them, renaming or merging one, and erasing one with all faces."""

from typing import Annotated

from fastapi import APIRouter, Query

from service.access import ADMIN, SEARCH, GuardedRoute
from service.errors import CONFLICT, NOT_FOUND, STORAGE_FULL, VALIDATION
from service.parameters import PeopleQuery, PersonChangeBody, PersonId
from service.problems import documented
from service.routes.common import Ready
from service.schemas import Erased, PeoplePage, PersonBody

router = APIRouter(route_class=GuardedRoute, prefix="/people", tags=["people"])


@router.get("", dependencies=[SEARCH], responses=documented(NOT_FOUND, VALIDATION))
async def list_people(query: Annotated[PeopleQuery, Query()], resources: Ready) -> PeoplePage:
    """List the people of the gallery by name, page by page."""
    page = await resources.work.run(
        resources.gallery.people,
        prefix=query.q,
        limit=query.limit,
        cursor=query.cursor,
        collection=query.collection,
    )
    return PeoplePage(
        items=[PersonBody.of(person) for person in page.items],
        next_cursor=page.next_cursor,
        total=page.total,
    )


@router.patch(
    "/{person_id}",
    dependencies=[ADMIN],
    responses=documented(NOT_FOUND, CONFLICT, VALIDATION, STORAGE_FULL),
)
async def rename_person(
    person_id: PersonId, change: PersonChangeBody, resources: Ready
) -> PersonBody:
    """Rename a person. A name that the collection has already makes the two one person."""
    person = await resources.work.run(resources.gallery.rename_person, person_id, change.person)
    return PersonBody.of(person)


@router.delete("/{person_id}", dependencies=[ADMIN], responses=documented(NOT_FOUND, STORAGE_FULL))
async def erase_person(person_id: PersonId, resources: Ready) -> Erased:
    """Erase a person and all their faces for good."""
    erased = await resources.work.run(resources.gallery.erase_person, person_id)
    return Erased(erased=erased)
