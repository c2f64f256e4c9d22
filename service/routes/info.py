"""What is running, and whether it is well."""

from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from service.access import SEARCH, GuardedRoute
from service.errors import NOT_READY
from service.meaning import CalibrationInfo
from service.problems import documented, documented_alone
from service.resources import Resources
from service.routes.common import Ready, encoder_name
from service.schemas import EncoderName
from service.uploads import MAX_PHOTOS
from service.versions import versions

router = APIRouter(route_class=GuardedRoute, tags=["service"])


class EncoderInfo(EncoderName):
    """The encoder's card, as far as clients care."""

    created: str
    dimension: int
    input: dict[str, Any]
    training: dict[str, Any]
    metrics: dict[str, Any]
    contract_hash: str


class IndexInfo(BaseModel):
    """The vector index: its kind and the faces that it holds."""

    kind: str
    size: int


class GalleryInfo(BaseModel):
    """The gallery's size."""

    people: int
    faces: int
    index: IndexInfo


class LimitsInfo(BaseModel):
    """What uploads may have at most."""

    max_bytes: int
    max_request_bytes: int
    max_pixels: int
    max_images: int


class Info(BaseModel):
    """What is running here."""

    versions: dict[str, str]
    encoder: EncoderInfo
    gallery: GalleryInfo
    limits: LimitsInfo
    device: str
    calibration: CalibrationInfo | None = Field(
        description="Null where the encoder's card has no calibration."
    )


class Health(BaseModel):
    """A health check that passed."""

    status: Literal["live", "ready"]


@router.get("/info", dependencies=[SEARCH], responses=documented())
async def info(resources: Ready) -> Info:
    """Tell versions, the encoder's card, the size of the gallery and the limits."""
    stats = await resources.work.run(resources.gallery.stats)
    settings = resources.settings
    card = resources.pipeline.encoder.card
    return Info(
        versions=versions(),
        encoder=EncoderInfo(
            **encoder_name(card).model_dump(),
            created=card.created,
            dimension=card.dimension,
            input=asdict(card.input),
            training=card.training,
            metrics=card.metrics,
            contract_hash=card.contract_hash,
        ),
        gallery=GalleryInfo(
            people=stats.people,
            faces=stats.faces,
            index=IndexInfo(kind=stats.index_kind, size=stats.index_size),
        ),
        limits=LimitsInfo(
            max_bytes=settings.max_bytes,
            max_request_bytes=settings.max_request_bytes,
            max_pixels=settings.max_pixels,
            max_images=MAX_PHOTOS,
        ),
        device=resources.pipeline.encoder.device,
        calibration=resources.meaning.info(stats.faces),
    )


@router.get("/health/live", responses=documented_alone())
async def live() -> Health:
    """Say that the process answers. For a restart on failure."""
    return Health(status="live")


@router.get("/health/ready", responses=documented_alone(NOT_READY))
async def ready(request: Request) -> Health:
    """Say that requests can be answered. For a load balancer."""
    resources: Resources = request.app.state.resources
    resources.readiness.check()
    return Health(status="ready")
