"""Resources: what the service opens once and every request uses.

Settings -> open_resources -> Resources(pipeline, gallery, work) -> app.state
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import encoders
from faces.confirmation import open_detector
from faces.decode import Limits
from faces.encoder import OnnxEncoder
from faces.pipeline import Pipeline
from index.gallery import Gallery
from index.ground import store_file
from index.own_encoder import own_encoder
from service.access import Access
from service.audit import Audit
from service.errors import NotReady
from service.guard import may_be_anonymous
from service.meaning import Meaning
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
    meaning: Meaning
    access: Access
    audit: Audit
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
    store = store_file(settings.data, settings.store_url)
    folder = own_encoder(store, asked_for=settings.encoder, default=encoders.shipped())
    pipeline = open_pipeline(settings, folder)
    gallery = Gallery.open(
        settings.data,
        encoder=pipeline.encoder.card,
        encoder_folder=folder,
        store_url=settings.store_url,
        index_kind=settings.index,
        serve=True,
        actor="service",
    )
    work = WorkPool(settings.workers, settings.queue)
    audit = Audit(gallery.audit_log, keep_days=settings.audit_days)
    try:
        work.in_each_thread(pipeline.warm_up)
        meaning = Meaning.of(pipeline.encoder.card, settings)
        access = Access(
            gallery.keys,
            audit,
            anonymous_allowed=may_be_anonymous(settings),
            rate_limit=settings.rate_limit,
        )
        yield Resources(settings, pipeline, gallery, work, meaning, access, audit)
    finally:
        work.close()
        audit.close()
        gallery.close()


def open_pipeline(settings: Settings, folder: Path) -> Pipeline:
    """The pipeline around the encoder of a folder.

    Raises:
        FaceError: the encoder folder or the device cannot be used.
    """
    # every worker runs the graph, so each takes its share of the cores
    threads = max(1, (os.cpu_count() or 1) // settings.workers)
    encoder = OnnxEncoder(folder, device=settings.device, threads=threads)
    limits = Limits(settings.max_bytes, settings.max_pixels)
    return Pipeline(open_detector(encoder), encoder, limits)
