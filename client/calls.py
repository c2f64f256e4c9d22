"""One function for each operation of the service: from arguments to a request, nothing sent yet.

    search(photo, k=5) -> Call[SearchResult] -> sync.py or asynchronous.py -> SearchResult

An argument that is None is left to the service's own default.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import partial
from json import dumps
from typing import Any, Generic, Literal, TypeAlias, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx

from client.photos import Photo, read_photo
from client.reading import read
from client.records import (
    Collection,
    Collections,
    Comparison,
    Detection,
    Embeddings,
    Enrolment,
    Erased,
    Explanation,
    Face,
    FaceMap,
    Health,
    Info,
    Match,
    Page,
    Person,
    SearchResult,
    SimilarFaces,
)

T = TypeVar("T")

GroupBy: TypeAlias = Literal["person", "face"]
Metadata: TypeAlias = Mapping[str, Any]
Files: TypeAlias = Sequence[tuple[str, tuple[str, bytes]]]


class Keep(Enum):
    """What a change leaves as it is; None would take it away."""

    KEEP = "keep"


KEEP = Keep.KEEP


@dataclass(frozen=True, slots=True, eq=False)
class Call(Generic[T]):
    """A request and how its answer is read.

    Attributes:
        method: of HTTP.
        path: below the service's URL.
        answer: reads the answer of a request that went well.
        repeatable: to send it twice does no more than to send it once.
        parameters: of the query string; what is None is left out.
        headers: besides those of every request.
        json: a JSON body.
        form: text fields.
        files: (field, (file name, bytes)).
    """

    method: str
    path: str
    answer: Callable[[httpx.Response], T]
    repeatable: bool = True
    parameters: Mapping[str, str | float | None] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: object = None
    form: Mapping[str, str] = field(default_factory=dict)
    files: Files = ()


def search(
    photo: Photo,
    *,
    k: int | None = None,
    min_similarity: float | None = None,
    group_by: GroupBy | None = None,
    person_similarity: Literal["best", "centroid"] | None = None,
    faces: Literal["largest", "all"] | None = None,
    collection: str | None = None,
) -> Call[SearchResult]:
    """Find the faces of the gallery that look most like the face in a photo."""
    parameters = {
        "k": k,
        "min_similarity": min_similarity,
        "group_by": group_by,
        "person_similarity": person_similarity,
        "faces": faces,
        "collection": collection,
    }
    return _post("search", SearchResult, _files(image=photo), parameters=parameters)


def detect(photo: Photo) -> Call[Detection]:
    """Find the faces in a photo; a photo without a face gives none."""
    return _post("detect", Detection, _files(image=photo))


def embed(photo: Photo, *, faces: Literal["largest", "all"] | None = None) -> Call[Embeddings]:
    """Turn the faces of a photo into embeddings."""
    return _post("embed", Embeddings, _files(image=photo), parameters={"faces": faces})


def verify(image_a: Photo, image_b: Photo) -> Call[Comparison]:
    """Say how alike the largest faces of two photos are."""
    return _post("verify", Comparison, _files(image_a=image_a, image_b=image_b))


def explain(
    image_a: Photo, image_b: Photo | None = None, *, face_id: str | None = None
) -> Call[Explanation]:
    """Say why a face is like that of another photo, or like an enrolled one."""
    photos = {"image_a": image_a} | ({} if image_b is None else {"image_b": image_b})
    form = {} if face_id is None else {"face_id": face_id}
    return _post("explain", Explanation, _files(**photos), form=form)


def enrol(  # noqa: PLR0913 - one argument for each field of the form
    person: str,
    photos: Sequence[Photo],
    *,
    metadata: Metadata | None = None,
    consent_reference: str | None = None,
    expires_at: datetime | None = None,
    faces: Literal["largest", "single"] | None = None,
    collection: str | None = None,
    idempotency_key: str | None = None,
) -> Call[Enrolment]:
    """Enrol photos of a person, once however often it has to be sent.

    Without a key of your own one is made, so that the service may be asked again while it is busy.
    """
    given = {
        "person": person,
        "metadata": None if metadata is None else dumps(metadata),
        "consent_reference": consent_reference,
        "expires_at": None if expires_at is None else expires_at.isoformat(),
        "faces": faces,
        "collection": collection,
    }
    form = {name: value for name, value in given.items() if value is not None}
    files = [("images", read_photo(photo)) for photo in photos]
    headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
    return _post("gallery", Enrolment, files, form=form, headers=headers)


def list_faces(
    *,
    person: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    collection: str | None = None,
) -> Call[Page[Face]]:
    """List enrolled faces, one page."""
    parameters = {"person": person, "limit": limit, "cursor": cursor, "collection": collection}
    return Call("GET", "gallery", _reads(Page[Face]), parameters=parameters)


def show_face(face_id: str) -> Call[Face]:
    """Show one enrolled face."""
    return Call("GET", _path("gallery", face_id), _reads(Face))


def show_crop(face_id: str) -> Call[bytes]:
    """Give the picture of one enrolled face, a JPEG."""
    return Call("GET", _path("gallery", face_id, "crop"), lambda response: response.content)


def similar(
    face_id: str, *, k: int | None = None, group_by: GroupBy | None = None
) -> Call[tuple[Match, ...]]:
    """Find what looks most like an enrolled face."""
    return Call(
        "GET",
        _path("gallery", face_id, "similar"),
        lambda response: read(SimilarFaces, response.json()).matches,
        parameters={"k": k, "group_by": group_by},
    )


def change_face(
    face_id: str,
    *,
    person: str | Keep = KEEP,
    metadata: Metadata | Keep = KEEP,
    consent_reference: str | Keep | None = KEEP,
    expires_at: datetime | Keep | None = KEEP,
) -> Call[Face]:
    """Change what is kept with a face, or give it to another person."""
    given = {
        "person": person,
        "metadata": metadata,
        "consent_reference": consent_reference,
        "expires_at": expires_at.isoformat() if isinstance(expires_at, datetime) else expires_at,
    }
    change = {name: value for name, value in given.items() if value is not KEEP}
    return Call("PATCH", _path("gallery", face_id), _reads(Face), json=change)


def erase_face(face_id: str) -> Call[None]:
    """Erase one enrolled face for good."""
    return Call("DELETE", _path("gallery", face_id), lambda _: None)


def list_people(
    *,
    q: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    collection: str | None = None,
) -> Call[Page[Person]]:
    """List people by name, one page; all, or those whose name begins with `q`."""
    parameters = {"q": q, "limit": limit, "cursor": cursor, "collection": collection}
    return Call("GET", "people", _reads(Page[Person]), parameters=parameters)


def show_map(
    *, limit: int | None = None, cursor: str | None = None, collection: str | None = None
) -> Call[FaceMap]:
    """Tell where faces are on the map of a collection, one page."""
    parameters = {"limit": limit, "cursor": cursor, "collection": collection}
    return Call("GET", "map", _reads(FaceMap), parameters=parameters)


def rename_person(person_id: str, person: str) -> Call[Person]:
    """Rename a person; a name that the collection has already makes the two one person."""
    return Call("PATCH", _path("people", person_id), _reads(Person), json={"person": person})


def erase_person(person_id: str) -> Call[int]:
    """Erase a person with all faces for good; gives how many those were."""
    return Call("DELETE", _path("people", person_id), _erased)


def list_collections() -> Call[tuple[Collection, ...]]:
    """List all collections."""
    return Call("GET", "collections", lambda response: read(Collections, response.json()).items)


def make_collection(name: str) -> Call[Collection]:
    """Make an empty collection."""
    body = {"name": name}
    return Call("POST", "collections", _reads(Collection), json=body, repeatable=False)


def erase_collection(name: str) -> Call[int]:
    """Erase a collection with all its people for good; gives how many faces those had."""
    return Call("DELETE", _path("collections", name), _erased)


def info() -> Call[Info]:
    """Tell what is running there."""
    return Call("GET", "info", _reads(Info))


def metrics() -> Call[str]:
    """Give the metrics in Prometheus's text format; takes an admin's key, or the same machine."""
    return Call("GET", "metrics", lambda response: response.text)


def live() -> Call[Health]:
    """Ask whether the process answers."""
    return Call("GET", "health/live", _reads(Health))


def ready() -> Call[Health]:
    """Ask whether requests can be answered; raises NotReady at once if not."""
    return Call("GET", "health/ready", _reads(Health), repeatable=False)


def _post(
    path: str,
    record: type[T],
    files: Files,
    *,
    parameters: Mapping[str, str | float | None] | None = None,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
) -> Call[T]:
    """Photos in a form; the service keeps nothing of them, or knows the request by its key."""
    return Call(
        "POST",
        path,
        _reads(record),
        parameters=parameters or {},
        headers=headers or {},
        form=form or {},
        files=files,
    )


def _files(**photos: Photo) -> Files:
    return [(name, read_photo(photo)) for name, photo in photos.items()]


def _path(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)


def _reads(record: type[T]) -> Callable[[httpx.Response], T]:
    return partial(_read_json, record)


def _read_json(record: type[T], response: httpx.Response) -> T:
    return read(record, response.json())


def _erased(response: httpx.Response) -> int:
    return read(Erased, response.json()).erased
