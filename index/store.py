"""The store: people, faces and collections, kept safe. Every method is one transaction.

    add, change, erase -> rows + change log + audit log, committed together or not at all
    faces, people, ... -> one state of the store

`index.gallery.Gallery` adds the search to it. Thread-safe; several processes may have it open.
"""

import copy
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Self

import numpy as np

from faces.alignment import CONTEXT_MARGIN, crop_from_context
from faces.card import Card
from faces.decode import decode_image
from faces.jpeg import encode_jpeg
from index import collections, face_map, moving, reading, requests, writing
from index.binding import Binding, check_still_bound
from index.database import Database
from index.keys import ApiKeys
from index.lookups import AuditLog
from index.names import clean_name
from index.records import Collection, Enrolled, Face, FaceChange, MapPage, NewFace, Page, Person
from index.requests import DoneBefore, KeyedRequest
from index.tables import DEFAULT_COLLECTION
from index.vectors import checked

FACES_PER_STATEMENT = 500
"""Faces enrolled together; SQLite takes a limited number of values in one statement."""

CROP_MAX_PX = 256
"""Crops are shown no larger."""


class Store:
    """The faces of one gallery, each in a collection and of a person."""

    def __init__(self, database: Database, binding: Binding, *, encoder: Card, actor: str) -> None:
        """Read and write through `database`.

        Args:
            database: the store's.
            binding: which encoder's embeddings are added.
            encoder: its card.
            actor: who the audit log says it was.
        """
        self._database = database
        self._binding = binding
        self._encoder = encoder
        self._actor = actor

    @property
    def dimension(self) -> int:
        """D, the length of an embedding."""
        return self._binding.dimension

    @property
    def keys(self) -> ApiKeys:
        """The API keys of a service of this store."""
        return ApiKeys(self._database, actor=self._actor)

    @property
    def audit_log(self) -> AuditLog:
        """Who did what, to read and to append lookups to."""
        return AuditLog(self._database)

    def acting_as(self, actor: str) -> Self:
        """The same store, open as long as this one, whose changes are logged as somebody's."""
        theirs = copy.copy(self)
        theirs._actor = actor  # noqa: SLF001 - it is our own
        return theirs

    def add(
        self,
        faces: Sequence[NewFace],
        *,
        collection: str = DEFAULT_COLLECTION,
        request: KeyedRequest | None = None,
    ) -> list[Enrolled]:
        """Enrol faces, all or none; they are found from the moment this returns.

        A photo that its person has already is answered with the face enrolled first. A `request`
        that was done before is answered with what it did then, and nothing is enrolled.

        Raises:
            Conflict: the key of `request` stands for another, or what it did was erased since.
            InvalidName: a person's name cannot be one.
            InvalidEmbedding: an embedding of another dimension, or not of unit length.
            EncoderChanged: the gallery has been switched to another encoder.
            NotFound: no collection has this name.
            StorageFull: no room; nothing was stored.
            StoreUnavailable: the store cannot be written.
        """
        if not faces:
            return []
        checked(np.stack([face.embedding for face in faces]), self._binding.dimension)
        with self._database.write() as connection:
            check_still_bound(connection, self._binding)
            if request is not None and (before := requests.done_before(connection, request)):
                return before.enrolled
            key = collections.collection_key(connection, collection)
            enrolled = [
                answer
                for start in range(0, len(faces), FACES_PER_STATEMENT)
                for answer in writing.enrol(
                    connection,
                    faces[start : start + FACES_PER_STATEMENT],
                    collection_key=key,
                    encoder_key=self._binding.encoder_key,
                    actor=self._actor,
                )
            ]
            if request is not None:
                requests.remember(connection, request, enrolled, datetime.now(UTC))
        self._added()
        return enrolled

    def done_before(self, request: KeyedRequest) -> DoneBefore | None:
        """What this request did when it was sent before, within a day; None if it is new.

        Raises:
            Conflict: its key stands for another request, or a face of it has been erased since.
        """
        with self._database.read() as connection:
            return requests.done_before(connection, request)

    def forget_old_requests(self) -> None:
        """Remove what is kept of requests that are older than a day."""
        now = datetime.now(UTC)
        with self._database.read() as connection:  # asked every second, so without the writer
            if not requests.any_old(connection, now):
                return
        with self._database.write() as connection:
            requests.forget_old(connection, now)

    def face_by_photo(
        self, person: str | None, photo_sha256: str, *, collection: str = DEFAULT_COLLECTION
    ) -> Face | None:
        """The face that this photo was enrolled as for this person (None: for anybody), if so."""
        with self._database.read() as connection:
            key = collections.collection_key(connection, collection)
            if person is None:
                return reading.face_of_photo(connection, photo_sha256, key)
            place = clean_name(person), photo_sha256
            return reading.faces_by_photo(connection, [place], key).get(place)

    def faces_by_photos(
        self, places: Sequence[tuple[str, str]], *, collection: str = DEFAULT_COLLECTION
    ) -> dict[tuple[str, str], Face]:
        """(Clean name, photo's sha256) -> the face that it was enrolled as, where it was."""
        if not places:
            return {}
        with self._database.read() as connection:
            key = collections.collection_key(connection, collection)
            return reading.faces_by_photo(connection, places, key)

    def has_photo(
        self, person: str, photo_sha256: str, *, collection: str = DEFAULT_COLLECTION
    ) -> bool:
        """Whether this photo is enrolled for this person."""
        return self.face_by_photo(person, photo_sha256, collection=collection) is not None

    def face(self, face_id: str) -> Face:
        """The face with this id.

        Raises:
            NotFound: there is none.
        """
        with self._database.read() as connection:
            return reading.face_by_id(connection, face_id)

    def context(self, face_id: str) -> bytes:
        """The context crop of this face (twice its box) as JPEG.

        Raises:
            NotFound: no face has this id.
        """
        with self._database.read() as connection:
            return reading.context_crop(connection, face_id)

    def crop(self, face_id: str) -> bytes:
        """What the encoder saw of this face, as a JPEG of at most 256 px.

        Raises:
            NotFound: no face has this id.
        """
        context = decode_image(self.context(face_id))
        margin = self._encoder.input.crop_margin
        side_px = round(context.shape[0] * (1 + 2 * margin) / (1 + 2 * CONTEXT_MARGIN))
        size_px = max(1, min(side_px, CROP_MAX_PX))
        return encode_jpeg(crop_from_context(context, margin=margin, size_px=size_px))

    def faces(
        self,
        *,
        person: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        collection: str = DEFAULT_COLLECTION,
    ) -> Page[Face]:
        """Faces of a collection in the order of their enrolment; of one person's name, or all.

        Raises:
            InvalidCursor: `cursor` is not the `next_cursor` of such a page.
            InvalidName: `person` cannot be a name.
            NotFound: no collection has this name.
        """
        name = None if person is None else clean_name(person)
        with self._database.read() as connection:
            key = collections.collection_key(connection, collection)
            return reading.page_of_faces(
                connection, collection_key=key, name=name, limit=limit, cursor=cursor
            )

    def people(
        self,
        *,
        prefix: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        collection: str = DEFAULT_COLLECTION,
    ) -> Page[Person]:
        """People by name; all, or those whose name begins with `prefix` in upper or lower case.

        Raises:
            InvalidCursor: `cursor` is not the `next_cursor` of such a page.
            NotFound: no collection has this name.
        """
        with self._database.read() as connection:
            key = collections.collection_key(connection, collection)
            return reading.page_of_people(
                connection, collection_key=key, prefix=prefix, limit=limit, cursor=cursor
            )

    def places(
        self, *, limit: int, cursor: str | None = None, collection: str = DEFAULT_COLLECTION
    ) -> MapPage:
        """Places of faces on the map of a collection, as `index.face_map.draw` left them.

        Raises:
            InvalidCursor: `cursor` is not the `next_cursor` of such a page.
            NotFound: no collection has this name.
        """
        with self._database.read() as connection:
            return face_map.page_of_places(
                connection,
                collection_key=collections.collection_key(connection, collection),
                encoder_key=self._binding.encoder_key,
                limit=limit,
                cursor=cursor,
            )

    def person(self, person_id: str) -> Person:
        """The person with this id.

        Raises:
            NotFound: there is none.
        """
        with self._database.read() as connection:
            return reading.person_by_id(connection, person_id)

    def person_called(self, name: str, *, collection: str = DEFAULT_COLLECTION) -> Person | None:
        """The person of a collection with this name, if there is one.

        Raises:
            InvalidName: `name` cannot be one.
            NotFound: no collection has this name.
        """
        clean = clean_name(name)
        with self._database.read() as connection:
            key = collections.collection_key(connection, collection)
            return reading.person_by_name(connection, clean, key)

    def change_face(self, face_id: str, change: FaceChange) -> Face:
        """Change what is kept with a face, or give it to another person; see `index.moving`.

        Raises:
            Conflict: that person has a face from the same photo.
            InvalidName: `change.person` cannot be a name.
            NotFound: no face has this id.
        """
        with self._database.write() as connection:
            face = moving.change_face(connection, face_id, change, actor=self._actor)
        self._removed()  # what was there before shall be gone from all files, too
        return face

    def rename_person(self, person_id: str, name: str) -> Person:
        """Rename a person; where the collection has that name already, the two become one.

        Raises:
            Conflict: one photo shows both people.
            InvalidName: `name` cannot be one.
            NotFound: no person has this id.
        """
        with self._database.write() as connection:
            person = moving.rename_person(connection, person_id, name, actor=self._actor)
        self._removed()
        return person

    def merge_people(self, person_ids: Sequence[str], into_id: str) -> Person:
        """Give all faces of some people to one, who keeps name and id.

        Raises:
            Conflict: they are of several collections, or one photo shows two of them.
            NotFound: no person has one of the ids.
        """
        with self._database.write() as connection:
            person = moving.merge_people(connection, person_ids, into_id, actor=self._actor)
        self._removed()
        return person

    def erase_face(self, face_id: str) -> None:
        """Erase a face, and its person with the last one. No answer shows it from now on.

        Raises:
            NotFound: no face has this id.
        """
        with self._database.write() as connection:
            writing.erase_face(connection, face_id, actor=self._actor)
        self._removed()

    def erase_person(self, person_id: str) -> int:
        """Erase a person with all faces, and say how many those were.

        Raises:
            NotFound: no person has this id.
        """
        with self._database.write() as connection:
            erased = writing.erase_person(connection, person_id, actor=self._actor)
        self._removed()
        return erased

    def erase_expired(self) -> int:
        """Erase the faces whose time has come, and say how many those were."""
        total = 0
        while erased := self._erase_some_expired():
            total += erased
        if total:
            self._removed()
        return total

    def collections(self) -> list[Collection]:
        """All collections by name, with their sizes."""
        with self._database.read() as connection:
            return collections.collections(connection)

    def make_collection(self, name: str) -> Collection:
        """Make an empty collection.

        Raises:
            Conflict: there is one with this name.
            InvalidName: `name` cannot be one.
        """
        with self._database.write() as connection:
            return collections.make_collection(connection, name, actor=self._actor)

    def erase_collection(self, name: str) -> int:
        """Erase a collection with all its people, and say how many faces those were.

        Raises:
            Conflict: it is the default one, which stays.
            NotFound: no collection has this name.
        """
        with self._database.write() as connection:
            erased = collections.erase_collection(connection, name, actor=self._actor)
        self._removed()
        return erased

    def _erase_some_expired(self) -> int:
        now = datetime.now(UTC)
        with self._database.read() as connection:  # asked every second, so without the writer
            if not reading.any_expired(connection, now):
                return 0
        with self._database.write() as connection:
            return writing.erase_expired(connection, now, actor=self._actor)

    def _added(self) -> None:
        """Called after a commit that added faces."""

    def _removed(self) -> None:
        """Called after a commit that took something away."""
