"""Metrics: what the service counts and times, for Prometheus.

requests, stages, queue, batches -> Metrics (one registry) --.
gallery, pool, process, when asked ---------------------------+-> text for GET /metrics

Labels are templates of routes, methods, statuses, stages and slugs of problems: no name, no id, no
path.
"""

from collections.abc import Iterable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily

from faces.batching import MOST
from index.records import Stats

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The text format that `generate_latest` writes and every Prometheus reads."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_CROPS = tuple(float(1 << power) for power in range(MOST.bit_length()))

_PREFIX = "lookalike"


class Metrics:
    """Counters and histograms of one service. Thread-safe."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)

        def counter(name: str, about: str, labels: Sequence[str] = ()) -> Counter:
            return Counter(name, about, labels, namespace=_PREFIX, registry=registry)

        def histogram(
            name: str, about: str, labels: Sequence[str] = (), buckets: Sequence[float] = _SECONDS
        ) -> Histogram:
            return Histogram(
                name, about, labels, namespace=_PREFIX, registry=registry, buckets=buckets
            )

        labels = ("route", "method", "status")
        self._requests = counter("requests", "Requests answered.", labels)
        self._request_seconds = histogram(
            "request_seconds", "From a request's head to the end of its answer.", ("route",)
        )
        self._stage_seconds = histogram(
            "stage_seconds",
            "Steps of the work on photos: decode, detect, embed, search.",
            ("stage",),
        )
        self._wait_seconds = histogram("wait_seconds", "Time in the queue before work began.")
        self._batch_crops = histogram("batch_crops", "Crops in a call of the encoder.", (), _CROPS)
        self._photos = counter("photos", "Photos in which faces were looked for.")
        self._misses = counter("photos_without_face", "Photos in which no face was found.")
        self._problems = counter("problems", "Answers that were problems.", ("problem",))
        self._rejected = counter(
            "rejected_photos", "Photos that an enrolment did not take.", ("problem",)
        )
        self._overloaded = counter("overloaded", "Requests refused because the queue was full.")
        self._left = counter(
            "disconnected", "Requests whose client left before their work began; not done."
        )

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answer. `route` is a template; status 0 is a client that left."""
        self._requests.labels(route, method, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def problem(self, slug: str) -> None:
        """Count an answer that was a problem."""
        self._problems.labels(slug).inc()

    def rejected(self, slug: str) -> None:
        """Count a photo that was not enrolled."""
        self._rejected.labels(slug).inc()

    def staged(self, stage: str, took_ms: float) -> None:
        """Note how long a stage took."""
        self._stage_seconds.labels(stage).observe(took_ms / 1000)

    def batched(self, crops: int) -> None:
        """Note a call of the encoder."""
        self._batch_crops.observe(crops)

    def looked(self, faces: int) -> None:
        """Count a photo and whether it had faces."""
        self._photos.inc()
        if not faces:
            self._misses.inc()

    def waited(self, seconds: float) -> None:
        """Note how long work waited in the queue."""
        self._wait_seconds.observe(seconds)

    def refused(self) -> None:
        """Count a request that found the queue full."""
        self._overloaded.inc()

    def left(self) -> None:
        """Count a request whose client left before its work began."""
        self._left.inc()

    def text(self, gauges: "Gauges") -> bytes:
        """Everything in Prometheus's text format, with the gauges of this moment."""
        moment = CollectorRegistry()
        moment.register(gauges)
        return generate_latest(self._registry) + generate_latest(moment)


class Gauges:
    """What is looked up when metrics are asked for. A collector of prometheus_client."""

    def __init__(self, *, waiting: int, running: int, ready: bool, stats: Stats | None) -> None:
        """Take the values of this moment.

        Args:
            waiting: functions in the queue.
            running: functions in a thread.
            ready: whether requests are answered.
            stats: of the gallery; None while it cannot be reached.
        """
        self._values: dict[str, tuple[str, float]] = {
            "queue_depth": ("Work that waits for a thread.", waiting),
            "in_flight": ("Work in threads.", running),
            "ready": ("1 while requests are answered.", ready),
        }
        if stats is not None:
            self._values |= {
                "gallery_people": ("People in the store.", stats.people),
                "gallery_faces": ("Faces in the store.", stats.faces),
                "index_faces": ("Faces in the vector index.", stats.index_size),
                "index_last_seq": ("Last change that the index has applied.", stats.last_seq),
                "index_lag": (
                    "Changes in the store that the index has not applied.",
                    max(0, stats.newest_seq - stats.last_seq),
                ),
            }

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauges."""
        for name, (about, value) in self._values.items():
            yield GaugeMetricFamily(f"{_PREFIX}_{name}", about, value=value)
