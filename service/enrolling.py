"""Enrolling: from an uploaded form to faces in the gallery, once for each Idempotency-Key.

    form -> done before under this key? -> the same answer again
                                       `-> pipeline, photo by photo -> one transaction -> answer

What is kept of a keyed request names nobody; see `index.requests`. What the answer says of rejected
photos comes from that record, their file names from the request that is sent again.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from faces.errors import DetectionError, FaceError, ImageError
from index.enrolment import photo_digest, prepare_face
from index.records import Enrolled, NewFace
from index.requests import DoneBefore, KeyedRequest
from service.errors import NothingEnrolled, problem_of
from service.parameters import EnrollForm
from service.problems import rejected_photo
from service.resources import Resources
from service.schemas import RejectedPhoto
from service.uploads import UploadedPhoto


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a request asks to enrol; `person` is the clean name, `key` its Idempotency-Key."""

    person: str
    form: EnrollForm
    photos: tuple[UploadedPhoto, ...]
    key: str | None


def enrol(resources: Resources, asked: Enrolment) -> tuple[list[Enrolled], list[RejectedPhoto]]:
    """Embed every photo, then store all in one transaction; in a worker.

    Raises:
        Conflict: the key stands for another request, or what it enrolled has been erased.
        NothingEnrolled: not one photo could be taken.
        GalleryError: nothing was stored.
    """
    request = None if asked.key is None else keyed_request(asked.key, asked)
    if request is not None and (before := resources.gallery.done_before(request)):
        return _again(before, asked.photos)
    faces, errors = _prepared(resources, asked)
    for _, error in errors:
        resources.metrics.rejected(problem_of(error).slug)
    if not faces:
        raise NothingEnrolled([(asked.photos[place].name, error) for place, error in errors])
    rejected = [rejected_photo(asked.photos[place].name, error) for place, error in errors]
    if request is not None:
        places = [place for place, _ in errors]
        note = [(place, it.type, it.detail) for place, it in zip(places, rejected, strict=True)]
        request = replace(request, note=note)
    collection = asked.form.collection
    return resources.gallery.add(faces, collection=collection, request=request), rejected


def keyed_request(key: str, asked: Enrolment) -> KeyedRequest:
    """The request as digests: of its key, and of everything that it asks for."""
    everything = [
        asked.person,
        asked.form.model_dump(mode="json", exclude={"person"}),
        [(photo.name, photo_digest(photo.data)) for photo in asked.photos],
    ]
    text = json.dumps(everything, sort_keys=True)
    return KeyedRequest(_sha256(key), _sha256(text))


def _prepared(
    resources: Resources, asked: Enrolment
) -> tuple[list[NewFace], list[tuple[int, FaceError]]]:
    """The faces of the photos that have one, and by place what is wrong with the others."""
    faces = []
    errors: list[tuple[int, FaceError]] = []
    form = asked.form
    for place, photo in enumerate(asked.photos):
        try:
            face = prepare_face(
                resources.pipeline,
                person=asked.person,
                source_name=photo.name,
                data=photo.data,
                which=form.faces,
                metadata=form.metadata,
            )
        except (ImageError, DetectionError) as error:
            errors.append((place, error))
        else:
            consent, expiry = form.consent_reference, form.expires_at
            faces.append(replace(face, consent_reference=consent, expires_at=expiry))
    return faces, errors


def _again(
    before: DoneBefore, photos: Sequence[UploadedPhoto]
) -> tuple[list[Enrolled], list[RejectedPhoto]]:
    rejected = [
        RejectedPhoto(source_name=photos[int(place)].name, type=str(problem), detail=str(detail))
        for place, problem, detail in before.note
    ]
    return before.enrolled, rejected


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
