"""Fixtures of the index: galleries of made-up vectors; no detection, hardly any pixels."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from faces.card import Card, InputSpec
from faces.jpeg import encode_jpeg
from faces.types import Box
from index.gallery import Gallery
from index.ground import open_store
from index.records import NewFace
from index.tables import DEFAULT_COLLECTION, DEFAULT_COLLECTION_KEY, Table
from tests.engines import PostgresServer

DIMENSION = 16

ON_EVERY_STORE = {
    "test_duplicates",
    "test_gallery",
    "test_people",
    "test_reembedding",
    "test_requests",
}
"""Modules whose galleries are tested on SQLite, and among the slow tests on PostgreSQL."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the suite of the store on each kind of database."""
    module = metafunc.module.__name__.rpartition(".")[2]
    if "store_url" in metafunc.fixturenames and module in ON_EVERY_STORE:
        kinds = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]
        metafunc.parametrize("store_url", kinds, indirect=True)


def make_card(name: str = "first", dimension: int = DIMENSION) -> Card:
    """The card of an encoder that need not exist."""
    return Card(
        name=name,
        version="1",
        created="2026-01-01T00:00:00Z",
        input=InputSpec(size_px=64, mean=(0.5,) * 3, std=(0.5,) * 3, crop_margin=0.1),
        dimension=dimension,
        sha256={"encoder.onnx": hashlib.sha256(name.encode()).hexdigest()},
    )


def unit(seed: int, dimension: int = DIMENSION) -> np.ndarray:
    """A vector of unit length that follows from its seed."""
    vector = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
    return vector / np.linalg.norm(vector)


def make_new_face(person: str, seed: int, **changes: object) -> NewFace:
    """A face whose photo, vector and crop follow from `seed`."""
    grey = np.full((64, 64, 3), seed % 256, np.uint8)
    values = {
        "person": person,
        "source_name": f"{seed}.jpg",
        "photo_sha256": hashlib.sha256(str(seed).encode()).hexdigest(),
        "box": Box(seed, 2, 30, 32),
        "confidence": 0.75,
        "embedding": unit(seed),
        "context": encode_jpeg(grey),
    }
    return NewFace(**{**values, **changes})


@pytest.fixture
def card() -> Card:
    return make_card()


@pytest.fixture
def other_card() -> Card:
    return make_card("second")


@pytest.fixture
def new_face() -> Callable[..., NewFace]:
    return make_new_face


@pytest.fixture
def store_url(request: pytest.FixtureRequest) -> str | None:
    """Where galleries keep their store: None is SQLite in the data folder."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return None
    url: str = request.getfixturevalue("empty_postgres")()
    return url


@pytest.fixture
def only_sqlite(store_url: str | None) -> None:
    """Of a test that looks into the file."""
    if store_url is not None:
        pytest.skip("it is about the file of SQLite")


@pytest.fixture(scope="session")
def empty_postgres(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], str]:
    """Empties one database, which is much quicker than to make another, and gives its URL."""
    url = postgres.make_database()
    open_store(tmp_path_factory.mktemp("no-file"), url).close()
    tables = ", ".join(f'"{table.name}"' for table in Table.metadata.sorted_tables)
    default = f"INSERT INTO collection VALUES ({DEFAULT_COLLECTION_KEY}, '{DEFAULT_COLLECTION}')"

    def empty() -> str:
        statement = f"TRUNCATE {tables} RESTART IDENTITY; {default}"
        postgres.sql(statement, database=url.rpartition("/")[2])
        return url

    return empty


@pytest.fixture
def open_gallery(
    tmp_path: Path, card: Card, store_url: str | None
) -> Iterator[Callable[..., Gallery]]:
    """Opens galleries of one data folder, and closes those that are open after the test."""
    with ExitStack() as stack:

        def open_one(**options: object) -> Gallery:
            folder = options.pop("data", tmp_path / "data")
            gallery = Gallery.open(folder, **{"encoder": card, "store_url": store_url, **options})
            stack.callback(gallery.close)
            return gallery

        yield open_one


@pytest.fixture
def gallery(open_gallery: Callable[..., Gallery]) -> Gallery:
    return open_gallery()
