"""The keeper: a thread that makes the service ready and then keeps its gallery in order.

    fill an empty gallery, where asked for -> ready
        -> each second: follow the change log, tidy up, follow a switch to another encoder

It has a thread of its own, because a full worker pool must not keep the index from catching up.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.datastructures import State

import samples
from faces.errors import FaceError
from faces.sources import open_source
from index.build import build
from index.errors import CleaningFailed, GalleryError, StorageFull, StoreReadOnly
from service.resources import Resources
from service.succession import Succession

MAINTAIN_EVERY_S = 1.0

logger = logging.getLogger("lookalike")


@contextmanager
def kept(state: State, on_ready: Callable[[], None] | None = None) -> Iterator[None]:
    """Keep `state.resources` while the block runs; `on_ready` is called once they are ready."""
    stop = threading.Event()
    keeper = threading.Thread(target=_keep, args=(state, on_ready, stop), name="keeper")
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep(state: State, on_ready: Callable[[], None] | None, stop: threading.Event) -> None:
    resources: Resources = state.resources
    if resources.settings.sample_people:
        _fill_with_samples(resources)
    resources.readiness.prepared.set()
    logger.info("ready")
    if on_ready is not None:
        on_ready()
    succession = Succession()
    while not stop.wait(MAINTAIN_EVERY_S):
        _maintain(resources)
        if (successor := succession.successor(resources)) is not None:
            state.resources = resources = successor  # what has begun ends with the old ones


def _fill_with_samples(resources: Resources) -> None:
    """Enrol the shipped made-up people, unless the gallery has faces already."""
    try:
        if resources.gallery.stats().faces:
            return
        source = open_source(samples.people_folder())
        logger.info("filling the gallery", extra={"fields": {"photos": len(source)}})
        report = build(
            resources.gallery,
            resources.pipeline,
            source,
            progress=None,
            workers=resources.settings.workers,
        )
    except (FaceError, GalleryError):
        # the service is as useful with an empty gallery
        logger.exception("the gallery could not be filled")
    else:
        fields = {"enrolled": report.enrolled, "seconds": round(report.seconds, 1)}
        logger.info("filled the gallery", extra={"fields": fields})


def _maintain(resources: Resources) -> None:
    """Follow the store and tidy up once; note and log when it goes away or comes back."""
    readiness = resources.readiness
    try:
        resources.audit.flush()
        resources.gallery.maintain()
    except StorageFull:
        logger.warning("the disk is full; searches go on")
    except (CleaningFailed, StoreReadOnly) as error:
        reason = {"fields": {"reason": str(error)}}
        logger.warning("the gallery cannot be written; searches go on", extra=reason)
    except Exception:  # the keeper must outlive whatever happens once
        if readiness.store_reachable:
            logger.exception("the gallery cannot be reached")
        readiness.store_reachable = False
    else:
        if not readiness.store_reachable:
            logger.info("the gallery can be reached again")
        readiness.store_reachable = True
