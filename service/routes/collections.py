"""Collections: galleries of their own within one service."""

from fastapi import APIRouter
from pydantic import BaseModel

from index.records import Collection
from service.access import ADMIN, SEARCH, GuardedRoute
from service.errors import CONFLICT, NOT_FOUND, STORAGE_FULL, VALIDATION
from service.parameters import ErasedCollection, NewCollection
from service.problems import documented
from service.routes.common import Ready
from service.schemas import Erased

router = APIRouter(route_class=GuardedRoute, prefix="/collections", tags=["collections"])


class CollectionBody(BaseModel):
    """A collection and its sizes."""

    name: str
    people: int
    faces: int


class Collections(BaseModel):
    """All collections by name."""

    items: list[CollectionBody]


@router.get("", dependencies=[SEARCH], responses=documented())
async def list_collections(resources: Ready) -> Collections:
    """List all collections."""
    found = await resources.work.run(resources.gallery.collections)
    return Collections(items=[_body(collection) for collection in found])


@router.post(
    "",
    dependencies=[ADMIN],
    status_code=201,
    responses=documented(CONFLICT, VALIDATION, STORAGE_FULL),
)
async def make_collection(new: NewCollection, resources: Ready) -> CollectionBody:
    """Make an empty collection."""
    return _body(await resources.work.run(resources.gallery.make_collection, new.name))


@router.delete(
    "/{name}", dependencies=[ADMIN], responses=documented(NOT_FOUND, CONFLICT, STORAGE_FULL)
)
async def erase_collection(name: ErasedCollection, resources: Ready) -> Erased:
    """Erase a collection with all its people for good. `default` stays."""
    erased = await resources.work.run(resources.gallery.erase_collection, name)
    return Erased(erased=erased)


def _body(collection: Collection) -> CollectionBody:
    return CollectionBody(name=collection.name, people=collection.people, faces=collection.faces)
