"""Preparing photos for a build: read, known already? embedded. Called by many threads.

Photo, ... -> bytes and details -> looked up in the gallery -> embedded -> Outcome, ...
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import NamedTuple, TypeAlias

from faces.errors import FaceError
from faces.sources import Photo
from index.details import Details, details_of
from index.enrolment import PhotoEmbedder, new_face, photo_digest, prepare_face
from index.errors import BadImport, GalleryError, InvalidName
from index.gallery import Gallery
from index.names import clean_name
from index.records import Face, NewFace


@dataclass(frozen=True, slots=True)
class Rejected:
    """A photo that could not be enrolled, and why."""

    source_name: str
    error: FaceError | GalleryError


Outcome: TypeAlias = NewFace | Face | Rejected
"""A face to enrol, the face that the photo was enrolled as before, or a rejection."""


class _ReadPhoto(NamedTuple):
    """A photo of which everything is known that need not be computed."""

    name: str
    person: str | None
    data: bytes
    digest: str
    details: Details


class PhotoPreparer:
    """Prepares photos in which faces are to be found."""

    together = 1
    """Photos that a thread works on at once."""

    def __init__(
        self, gallery: Gallery, pipeline: PhotoEmbedder, collection: str, *, unnamed: bool = False
    ) -> None:
        """Prepare for a collection of a gallery; `unnamed` leaves everybody without a name."""
        self._gallery = gallery
        self._pipeline = pipeline
        self._collection = collection
        self._unnamed = unnamed

    def prepare(self, photos: Sequence[Photo]) -> list[Outcome]:
        """Find out what photos lead to."""
        read = [self._read(photo) for photo in photos]
        whole = [item for item in read if isinstance(item, _ReadPhoto)]
        known = self._known(whole)
        fresh = [item for item in whole if (item.person, item.digest) not in known]
        faces = iter(self._embedded(fresh))
        return [
            item
            if isinstance(item, Rejected)
            else known.get((item.person, item.digest)) or next(faces)
            for item in read
        ]

    def _read(self, photo: Photo) -> _ReadPhoto | Rejected:
        try:
            name = photo.person or PurePosixPath(photo.name).stem
            person = None if self._unnamed else clean_name(name)
            data = photo.read()
            return _ReadPhoto(photo.name, person, data, photo_digest(data), details_of(photo.row))
        except (FaceError, BadImport, InvalidName) as error:
            return Rejected(photo.name, error)

    def _known(self, photos: Sequence[_ReadPhoto]) -> dict[tuple[str | None, str], Face]:
        """(Person, digest) -> the face that a photo was enrolled as before."""
        places = [(item.person, item.digest) for item in photos if item.person is not None]
        found = self._gallery.faces_by_photos(places, collection=self._collection)
        known: dict[tuple[str | None, str], Face] = dict(found.items())
        for item in photos:
            if item.person is None:
                face = self._gallery.face_by_photo(None, item.digest, collection=self._collection)
                if face is not None:
                    known[None, item.digest] = face
        return known

    def _embedded(self, photos: Sequence[_ReadPhoto]) -> Iterable[NewFace | Rejected]:
        for photo in photos:
            try:
                face = prepare_face(
                    self._pipeline, person=photo.person, source_name=photo.name, data=photo.data
                )
            except FaceError as error:
                yield Rejected(photo.name, error)
            else:
                yield _with_details(face, photo.details)


class CropPreparer(PhotoPreparer):
    """Prepares pictures that are context crops already, many at once."""

    together = 64
    """The graphs run for as many in one call."""

    def _embedded(self, photos: Sequence[_ReadPhoto]) -> Iterable[NewFace | Rejected]:
        answers = self._pipeline.embed_crops([item.data for item in photos])
        return [
            Rejected(item.name, found)
            if isinstance(found, FaceError)
            else _with_details(
                new_face(found, person=item.person, source_name=item.name, data=item.data),
                item.details,
            )
            for item, found in zip(photos, answers, strict=True)
        ]


def _with_details(face: NewFace, details: Details) -> NewFace:
    return replace(
        face,
        metadata=details.metadata,
        consent_reference=details.consent_reference,
        expires_at=details.expires_at,
    )
