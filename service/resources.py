"""Resources: what the service opens once and every request uses.

Settings -> open_resources -> Resources(pipeline, gallery, pool) -> app.state
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import encoders
from faces.batching import BatchingEncoder
from faces.confirmation import open_detector
from faces.decode import Limits
from faces.encoder import OnnxEncoder
from faces.pipeline import Pipeline
from index.gallery import Gallery
from index.ground import store_place
from index.own_encoder import own_encoder
from service.access import Access
from service.audit import Audit
from service.errors import NotReady
from service.guard import may_be_anonymous
from service.meaning import Meaning
from service.metrics import Metrics
from service.settings import Settings
from service.uploads import UploadLimits
from service.work import Work, WorkPool


class Readiness:
    """Whether requests can be answered, and if not, why. Set by keeper and server, read by all."""

    def __init__(self) -> None:
        self.prepared = threading.Event()
        self.store_reachable = True
        self.draining = False

    def check(self) -> None:
        """Pass, or say why not.

        Raises:
            NotReady: still starting, stopping, or the store is away.
        """
        if self.draining:
            raise NotReady("the service is stopping; ask another, or again in a moment")
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
    pool: WorkPool
    work: Work
    meaning: Meaning
    metrics: Metrics
    access: Access
    audit: Audit
    readiness: Readiness = field(default_factory=Readiness)

    def upload_limits(self, photos: int = 1) -> UploadLimits:
        """The limits of the settings, for a request of so many photos."""
        settings = self.settings
        return UploadLimits(settings.max_request_bytes, settings.max_bytes, photos)


@contextmanager
def open_resources(settings: Settings, metrics: Metrics) -> Iterator[Resources]:
    """Open and warm up everything; close it in the end, after the work in hand.

    Raises:
        FaceError: the encoder folder or the device cannot be used.
        GalleryError: the data folder cannot be used, or belongs to another encoder.
    """
    store = store_place(settings.data, settings.store_url)
    folder = own_encoder(store, asked_for=settings.encoder, default=encoders.shipped())
    pool = WorkPool(
        settings.workers,
        settings.queue,
        longest_wait_s=settings.queue_wait_ms / 1000,
        observer=metrics,
    )
    pipeline = open_pipeline(settings, folder, pool, metrics)
    gallery = Gallery.open(
        settings.data,
        encoder=pipeline.encoder.card,
        encoder_folder=folder,
        store_url=settings.store_url,
        index_kind=settings.index_kind,
        serve=True,
        actor="service",
    )
    audit = Audit(gallery.audit_log, keep_days=settings.audit_days)
    try:
        pool.in_each_thread(pipeline.warm_up)
        meaning = Meaning.of(pipeline.encoder.card, settings)
        access = Access(
            gallery.keys,
            audit,
            anonymous_allowed=may_be_anonymous(settings),
            rate_limit=settings.rate_limit,
        )
        yield Resources(settings, pipeline, gallery, pool, pool, meaning, metrics, access, audit)
    finally:
        pool.close()
        audit.close()
        gallery.close()


def open_pipeline(settings: Settings, folder: Path, pool: WorkPool, metrics: Metrics) -> Pipeline:
    """The pipeline around the encoder of a folder, warmed up but for what is of each thread.

    Raises:
        FaceError: the encoder folder or the device cannot be used.
    """
    # every worker runs the graph, so each takes its share of the cores
    threads = max(1, (os.cpu_count() or 1) // settings.workers)
    bare = OnnxEncoder(folder, device=settings.device, threads=threads)
    encoder = BatchingEncoder(
        bare,
        lanes=1 if bare.device == "cuda" else settings.workers,
        wait_s=settings.batch_wait_ms / 1000,
        company=lambda: pool.running,
        observe=metrics.batched,
    )
    encoder.warm_up(settings.workers)
    limits = Limits(settings.max_bytes, settings.max_pixels)
    return Pipeline(open_detector(encoder), encoder, limits, observer=metrics)
