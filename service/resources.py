"""Resources: what the service opens once and every request uses.

Settings -> open_resources -> Resources(pipeline, gallery, work) -> app.state
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

import encoders
from faces.decode import Limits
from faces.detection import HaarDetector
from faces.encoder import OnnxEncoder
from faces.pipeline import Pipeline
from faces.types import Detector
from index.gallery import Gallery
from service.errors import NotReady
from service.settings import Settings
from service.uploads import UploadLimits
from service.work import WorkPool


class Readiness:
    """Whether requests can be answered, and if not, why. Set by the keeper, read by all."""

    def __init__(self) -> None:
        self.prepared = threading.Event()
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
    """Open and warm up everything; close it in the end, after the work in hand.

    Raises:
        FaceError: the encoder folder or the device cannot be used.
        GalleryError: the data folder cannot be used, or belongs to another encoder.
    """
    # every worker runs the graph, so each takes its share of the cores
    threads = max(1, (os.cpu_count() or 1) // settings.workers)
    folder = settings.encoder or encoders.shipped()
    encoder = OnnxEncoder(folder, device=settings.device, threads=threads)
    detector = HaarDetector()
    limits = Limits(settings.max_bytes, settings.max_pixels)
    gallery = Gallery.open(
        settings.data,
        encoder=encoder.card,
        store_url=settings.store_url,
        index_kind=settings.index,
        serve=True,
        actor="service",
    )
    work = WorkPool(settings.workers, settings.queue)
    try:
        work.in_each_thread(_warm_up, detector, encoder)
        yield Resources(settings, Pipeline(detector, encoder, limits), gallery, work)
    finally:
        work.close()
        gallery.close()


def _warm_up(detector: Detector, encoder: OnnxEncoder) -> None:
    """Run each stage once in this thread.

    A thread's first detection loads its cascades, and the first run of a graph plans its memory;
    no request shall pay for either.
    """
    detector.detect(np.zeros((256, 256, 3), np.uint8))
    size_px = encoder.card.input.size_px
    encoder.embed(np.zeros((1, size_px, size_px, 3), np.uint8))
