"""Enrolment: the one path from the bytes of a photo to a face that the gallery can take.

    bytes -> pipeline -> chosen face -> NewFace -> Gallery.add

The builder and the service both go through here, so the same photo becomes the same face.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

from faces.errors import ImageError
from faces.pipeline import EmbeddedFace, EmbeddedPhoto, Which
from index.records import NewFace

OneFace: TypeAlias = Literal["largest", "single"]
"""Which face of a photo is enrolled; "single" refuses a photo with more than one."""


class PhotoEmbedder(Protocol):
    """The part of `faces.pipeline.Pipeline` that enrolment needs."""

    def embed(self, data: bytes, which: Which = "largest") -> EmbeddedPhoto:
        """Embed the chosen faces of a photo."""
        ...

    def embed_crops(self, pictures: Sequence[bytes]) -> list[EmbeddedFace | ImageError]:
        """Embed pictures that are cut to a face already."""
        ...


def photo_digest(data: bytes) -> str:
    """What tells two photos apart: hex sha256 of the bytes."""
    return hashlib.sha256(data).hexdigest()


def prepare_face(
    pipeline: PhotoEmbedder,
    *,
    person: str | None,
    source_name: str,
    data: bytes,
    which: OneFace = "largest",
    metadata: Mapping[str, Any] | None = None,
) -> NewFace:
    """Find and embed the face of one photo.

    Args:
        pipeline: finds and embeds.
        person: who is on the photo; None makes an unnamed person of it.
        source_name: where it came from.
        data: the photo's bytes.
        which: the face to take.
        metadata: to keep with the face; JSON.

    Raises:
        ImageError: the bytes cannot be used as an image.
        NoFace: no face was found.
        SeveralFaces: `which` is "single" and more than one face was found.
    """
    found = pipeline.embed(data, which).faces[0]
    return new_face(found, person=person, source_name=source_name, data=data, metadata=metadata)


def new_face(
    found: EmbeddedFace,
    *,
    person: str | None,
    source_name: str,
    data: bytes,
    metadata: Mapping[str, Any] | None = None,
) -> NewFace:
    """An embedded face of a photo as one to enrol; for the arguments see `prepare_face`."""
    return NewFace(
        person=person,
        source_name=source_name,
        photo_sha256=photo_digest(data),
        box=found.face.box,
        confidence=found.face.confidence,
        embedding=found.embedding,
        context=found.context,
        metadata=metadata or {},
    )
