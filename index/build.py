"""The builder: enrols a whole source of photos, in batches, and goes on where it was stopped.

    photos -> threads: read, known already? detect, embed -> batches -> Gallery.add -> report
    crops  -> threads: the same for many at once, without detection

A photo counts as done only when its batch is committed, so whatever stops a build loses nothing
that it had reported; the next run skips by content what is enrolled. Memory is bounded by the
photos in work, whatever the size of source and gallery.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import TypeAlias

from faces.sources import Photo
from index.enrolment import PhotoEmbedder
from index.gallery import Gallery
from index.preparing import CropPreparer, Outcome, PhotoPreparer, Rejected
from index.records import Face, NewFace
from index.tables import DEFAULT_COLLECTION

BATCH_FACES = 128
"""Faces in one transaction: one wait for the disk for all of them."""

BATCH_S = 1.0
"""A batch is committed after this time though it is not full, so that progress is seen."""

IN_WORK_PER_THREAD = 4
"""Photos handed out ahead, so that no thread waits for a slow photo before it."""


@dataclass(slots=True)
class BuildReport:
    """What became of the photos.

    Attributes:
        enrolled: new faces.
        duplicate: the same photo of the same person again within this source.
        skipped: enrolled before this build.
        rejected: could not be enrolled.
        seconds: how long it took.
    """

    enrolled: int = 0
    duplicate: int = 0
    skipped: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def photos(self) -> int:
        """All photos that the build has dealt with."""
        return self.enrolled + self.duplicate + self.skipped + len(self.rejected)


Progress: TypeAlias = Callable[[int], None]
"""Called with the number of photos dealt with so far; what they led to is committed."""


def build(
    gallery: Gallery,
    pipeline: PhotoEmbedder,
    source: Iterable[Photo],
    *,
    progress: Progress | None,
    workers: int,
    collection: str = DEFAULT_COLLECTION,
    unnamed: bool = False,
) -> BuildReport:
    """Enrol all photos of a source, one face each: the largest.

    A photo without a person's name is a person of its own, named as its file.

    Args:
        gallery: takes the faces; a service may have it open, too.
        pipeline: finds and embeds; used by all threads.
        source: the photos.
        progress: is told how far it is.
        workers: threads.
        collection: where to.
        unnamed: name nobody; each face is an unnamed person of its own.

    Raises:
        BadSource: the source cannot be listed; single photos that cannot be read are rejected.
        StoreError: the gallery cannot be written; what was reported as done is kept.
    """
    preparer = PhotoPreparer(gallery, pipeline, collection, unnamed=unnamed)
    return _run(preparer, _Builder(gallery, collection), source, progress, workers)


def build_from_crops(
    gallery: Gallery,
    pipeline: PhotoEmbedder,
    source: Iterable[Photo],
    *,
    progress: Progress | None,
    workers: int,
    collection: str = DEFAULT_COLLECTION,
) -> BuildReport:
    """As `build`, of pictures that are context crops already: no face is looked for in them."""
    preparer = CropPreparer(gallery, pipeline, collection)
    return _run(preparer, _Builder(gallery, collection), source, progress, workers)


def _run(
    preparer: PhotoPreparer,
    builder: "_Builder",
    source: Iterable[Photo],
    progress: Progress | None,
    workers: int,
) -> BuildReport:
    started = time.perf_counter()
    ahead = workers * (IN_WORK_PER_THREAD if preparer.together == 1 else 2)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="build")
    try:
        for outcomes in _ahead(pool, preparer, source, limit=ahead):
            for outcome in outcomes:
                builder.take(outcome)
            if progress is not None:
                progress(builder.report.photos)
    finally:
        pool.shutdown(cancel_futures=True)
    builder.commit()
    builder.report.seconds = time.perf_counter() - started
    if progress is not None:
        progress(builder.report.photos)
    return builder.report


class _Builder:
    """The state of one build: the batch in the making, and the report."""

    def __init__(self, gallery: Gallery, collection: str) -> None:
        self.report = BuildReport()
        self._gallery = gallery
        self._collection = collection
        self._started = datetime.now(UTC)
        self._batch: list[NewFace] = []
        self._committed_s = time.monotonic()

    def take(self, outcome: Outcome) -> None:
        """Note an outcome, and commit when it is time."""
        if isinstance(outcome, NewFace):
            self._batch.append(outcome)
        elif isinstance(outcome, Face):
            self._count_known(outcome)
        else:
            self.report.rejected.append(outcome)
        late = time.monotonic() - self._committed_s > BATCH_S
        if len(self._batch) >= BATCH_FACES or late:
            self.commit()

    def commit(self) -> None:
        """Enrol the batch."""
        for enrolled in self._gallery.add(self._batch, collection=self._collection):
            if enrolled.duplicate:
                self._count_known(enrolled.face)
            else:
                self.report.enrolled += 1
        self._batch = []
        self._committed_s = time.monotonic()

    def _count_known(self, face: Face) -> None:
        if face.created_at >= self._started:
            self.report.duplicate += 1
        else:
            self.report.skipped += 1


def _ahead(
    pool: ThreadPoolExecutor, preparer: PhotoPreparer, photos: Iterable[Photo], *, limit: int
) -> Iterator[list[Outcome]]:
    """The outcomes in the order of the photos; at most `limit` calls of the preparer are ahead."""
    waiting: deque[Future[list[Outcome]]] = deque()
    source = iter(photos)
    while part := list(islice(source, preparer.together)):
        waiting.append(pool.submit(preparer.prepare, part))
        if len(waiting) >= limit:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
