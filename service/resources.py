"""Resources: what the service opens once and every request uses.

    Settings -> open_resources -> Resources(pipeline, gallery, work) -> app.state

`keep` is their caretaker in the background: it prepares them, says when they are ready, and then
follows the gallery's change log, so that what another process enrols is found here.
"""

import asyncio
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

import encoders
import samples
from faces.decode import Limits
from faces.detection import HaarDetector
from faces.encoder import OnnxEncoder
from faces.pipeline import Pipeline
from faces.sources import open_source
from index.build import build
from index.errors import GalleryError
from index.gallery import Gallery
from service.errors import NotReady
from service.settings import Settings
from service.uploads import UploadLimits
from service.work import WorkPool

FOLLOW_EVERY_S = 1.0
_WARM_UP_PX = 256

logger = logging.getLogger("lookalike")


class Readiness:
    """Whether requests can be answered, and if not, why. Set by `keep`, read by every request."""

    def __init__(self) -> None:
        self.prepared = asyncio.Event()
        self.store_reachable = True

    def check(self) -> None:
        """Pass, or say why not.

        Raises:
            NotReady: still starting, or the store is away.
        """
        if not self.prepared.is_set():
            raise NotReady("the service is starting; try again in a moment")
        if not self.store_reachable:
            raise NotReady("the gallery cannot be reached")


@dataclass(frozen=True, slots=True)
class Resources:
    """What requests use."""

    settings: Settings
    pipeline: Pipeline
    gallery: Gallery
    work: WorkPool
    readiness: Readiness = field(default_factory=Readiness)

    def upload_limits(self, photos: int = 1) -> UploadLimits:
        """The limits of the settings, for a request of so many photos."""
        settings = self.settings
        return UploadLimits(settings.max_request_bytes, settings.max_bytes, photos)


@contextmanager
def open_resources(settings: Settings) -> Iterator[Resources]:
    """Open everything; close it in the end, after the work in hand.

    Raises:
        FaceError: the encoder folder or the device cannot be used.
        GalleryError: the data folder cannot be used, or belongs to another encoder.
    """
    # every worker runs the graph, so each takes its share of the cores
    threads = max(1, (os.cpu_count() or 1) // settings.workers)
    folder = settings.encoder or encoders.shipped()
    encoder = OnnxEncoder(folder, device=settings.device, threads=threads)
    limits = Limits(settings.max_bytes, settings.max_pixels)
    pipeline = Pipeline(HaarDetector(), encoder, limits)
    gallery = Gallery.open(
        settings.data,
        encoder=encoder.card,
        store_url=settings.store_url,
        index_kind=settings.index,
        serve=True,
    )
    work = WorkPool(settings.workers, settings.queue)
    try:
        yield Resources(settings, pipeline, gallery, work)
    finally:
        work.close()
        gallery.close()


async def keep(resources: Resources) -> None:
    """Prepare the resources, then follow the gallery until cancelled."""
    await asyncio.to_thread(_prepare, resources)
    resources.readiness.prepared.set()
    logger.info("ready", extra={"fields": {"faces": resources.gallery.stats().faces}})
    while True:
        await asyncio.sleep(FOLLOW_EVERY_S)
        await asyncio.to_thread(_follow, resources)


def _prepare(resources: Resources) -> None:
    """Fill an empty gallery where that was asked for, and run each stage once.

    The first run of a graph or a cascade is far slower than the next; no request shall pay for it.
    """
    size_px = resources.pipeline.encoder.card.input.size_px
    resources.pipeline.encoder.embed(np.zeros((1, size_px, size_px, 3), np.uint8))
    if resources.settings.sample_people and resources.gallery.stats().faces == 0:
        _fill_with_samples(resources)


def _fill_with_samples(resources: Resources) -> None:
    source = open_source(samples.people_folder())
    logger.info("filling the gallery", extra={"fields": {"photos": len(source)}})
    try:
        report = build(
            resources.gallery,
            resources.pipeline,
            source,
            progress=None,
            workers=resources.settings.workers,
        )
    except GalleryError:
        # the service is as useful with an empty gallery
        logger.exception("the gallery could not be filled")
    else:
        fields = {"enrolled": report.enrolled, "seconds": round(report.seconds, 1)}
        logger.info("filled the gallery", extra={"fields": fields})


def _follow(resources: Resources) -> None:
    """Catch up with the store once; note and log when it goes away or comes back."""
    readiness = resources.readiness
    try:
        resources.gallery.catch_up()
    except GalleryError:
        if readiness.store_reachable:
            logger.exception("the gallery cannot be reached")
        readiness.store_reachable = False
    else:
        if not readiness.store_reachable:
            logger.info("the gallery can be reached again")
        readiness.store_reachable = True
