"""The map of a collection, as `lookalike gallery map` drew it."""

from typing import Annotated

from fastapi import APIRouter, Query

from service.access import SEARCH, GuardedRoute
from service.errors import NOT_FOUND, VALIDATION
from service.parameters import MapQuery
from service.problems import documented
from service.routes.common import Ready
from service.schemas import MapResponse

router = APIRouter(route_class=GuardedRoute, tags=["gallery"])


@router.get("/map", dependencies=[SEARCH], responses=documented(NOT_FOUND, VALIDATION))
async def show_map(query: Annotated[MapQuery, Query()], resources: Ready) -> MapResponse:
    """Tell where faces are on the map of a collection, page by page."""
    page = await resources.work.run(
        resources.gallery.places,
        limit=query.limit,
        cursor=query.cursor,
        collection=query.collection,
    )
    return MapResponse.of(page)
