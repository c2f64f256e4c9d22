"""What Prometheus reads, for this machine or an admin's key."""

from fastapi import APIRouter, Request, Response

from index.errors import GalleryError
from service.access import ADMIN_OR_LOOPBACK, GuardedRoute
from service.errors import NotReady
from service.metrics import CONTENT_TYPE, Gauges
from service.problems import documented
from service.resources import Resources

router = APIRouter(tags=["service"], route_class=GuardedRoute)

_TEXT = {
    "schema": {"type": "string"},
    "example": 'lookalike_requests_total{route="/search",method="POST",status="200"} 128.0\n',
}


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": _TEXT}}, **documented()},
    dependencies=[ADMIN_OR_LOOPBACK],
    openapi_extra={"security": [{}]},  # or no key, from the same machine
)
def metrics(request: Request) -> Response:
    """Give the metrics in Prometheus's text format.

    Not in a worker: they are wanted most when all workers are busy.
    """
    resources: Resources = request.app.state.resources
    try:
        stats = resources.gallery.stats()
    except GalleryError:
        stats = None
    gauges = Gauges(
        waiting=resources.pool.waiting,
        running=resources.pool.running,
        ready=_is_ready(resources),
        stats=stats,
    )
    return Response(resources.metrics.text(gauges), media_type=CONTENT_TYPE)


def _is_ready(resources: Resources) -> bool:
    try:
        resources.readiness.check()
    except NotReady:
        return False
    return True
