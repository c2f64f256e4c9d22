"""The keeper: a thread that makes the service ready and then keeps it up to date.

    warm up -> fill an empty gallery, where asked for -> ready -> follow the change log, each second

It has a thread of its own, because a full worker pool must not keep the index from catching up.
"""

import logging
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

import samples
from faces.sources import open_source
from index.build import build
from index.errors import GalleryError, StorageFull
from service.resources import Resources

FOLLOW_EVERY_S = 1.0

logger = logging.getLogger("lookalike")


@contextmanager
def kept(resources: Resources, on_ready: Callable[[], None] | None = None) -> Iterator[None]:
    """Keep the resources while the block runs; `on_ready` is called once they are ready."""
    stop = threading.Event()
    keeper = threading.Thread(target=_keep, args=(resources, on_ready, stop), name="keeper")
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep(resources: Resources, on_ready: Callable[[], None] | None, stop: threading.Event) -> None:
    resources.work.in_each_thread(_warm_up, resources)
    if resources.settings.sample_people and resources.gallery.stats().faces == 0:
        _fill_with_samples(resources)
    resources.readiness.prepared.set()
    logger.info("ready", extra={"fields": {"faces": resources.gallery.stats().faces}})
    if on_ready is not None:
        on_ready()
    while not stop.wait(FOLLOW_EVERY_S):
        _follow(resources)


def _warm_up(resources: Resources) -> None:
    """Run each stage once in this thread.

    A thread's first detection loads its cascades, and the first run of a graph plans its memory;
    no request shall pay for either.
    """
    resources.pipeline.detect(_blank_bmp(side_px=256))
    size_px = resources.pipeline.encoder.card.input.size_px
    resources.pipeline.encoder.embed(np.zeros((1, size_px, size_px, 3), np.uint8))


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
    except StorageFull:
        logger.warning("the disk is full; searches go on")
    except GalleryError:
        if readiness.store_reachable:
            logger.exception("the gallery cannot be reached")
        readiness.store_reachable = False
    else:
        if not readiness.store_reachable:
            logger.info("the gallery can be reached again")
        readiness.store_reachable = True


def _blank_bmp(side_px: int) -> bytes:
    """A grey square as a BMP file: 24 bits a pixel, no compression."""
    pixels = b"\x80" * (
        side_px * side_px * 3
    )  # the sides are a multiple of 4, so rows need no padding
    header = struct.pack("<2sIHHI", b"BM", 54 + len(pixels), 0, 0, 54)
    info = struct.pack("<IiiHHIIiiII", 40, side_px, side_px, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    return header + info + pixels
