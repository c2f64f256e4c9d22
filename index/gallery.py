"""The gallery: people and their faces, kept safe in a store and found through a vector index.

    add, erase  -> one transaction of the store -> change log -> vector index
    search      -> vector index -> candidates -> looked up in the store -> matches
    maintain    -> nothing erased is left in any file

A gallery belongs to one encoder. Several processes may open the same data folder, one of them to
serve it. Thread-safe.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np

from faces.alignment import CONTEXT_MARGIN, crop_from_context
from faces.card import Card
from faces.decode import decode_image
from faces.jpeg import encode_jpeg
from faces.types import Embeddings
from index import reading, writing
from index.binding import Binding, bind
from index.database import Database, make_folder
from index.errors import UnknownIndexKind
from index.faiss_index import EXACT, FaissExactIndex
from index.folder_lock import FolderLock
from index.names import clean_name
from index.projection import Projection
from index.ranking import nearest
from index.records import Enrolled, Face, GroupBy, Match, NewFace, Page, Person, Stats
from index.snapshot import SUFFIX, remove_others
from index.upkeep import Upkeep
from index.vectors import checked

STORE_FILE = "gallery.sqlite"
INDEX_FOLDER = "index"
INDEX_KINDS = {"auto": FaissExactIndex, EXACT: FaissExactIndex}

FACES_PER_STATEMENT = 500
"""Faces enrolled together; SQLite takes a limited number of values in one statement."""

CROP_MAX_PX = 256
"""Crops are shown no larger."""


class Gallery:
    """One open gallery; made by `Gallery.open`, to be closed."""

    def __init__(
        self,
        database: Database,
        binding: Binding,
        projection: Projection,
        upkeep: Upkeep,
        *,
        encoder: Card,
        actor: str,
        resources: ExitStack,
    ) -> None:
        """Join the parts; `Gallery.open` makes them."""
        self._database = database
        self._binding = binding
        self._projection = projection
        self._upkeep = upkeep
        self._encoder = encoder
        self._actor = actor
        self._resources = resources

    @classmethod
    def open(
        cls,
        data: Path,
        *,
        encoder: Card,
        store_url: str | None = None,
        index_kind: str = "auto",
        serve: bool = False,
        actor: str = "local",
    ) -> Self:
        """Open the gallery of a data folder, or make a new one there.

        Args:
            data: the data folder; it is made if it is missing.
            encoder: card of the encoder whose embeddings the gallery holds.
            store_url: of the database; SQLite in `data` if None.
            index_kind: "auto" or the name of a vector index.
            serve: this process alone serves the folder and writes its snapshots.
            actor: who the audit log says it was.

        Raises:
            DataFolderLocked: `serve`, and another process serves the folder.
            EncoderMismatch: the gallery has faces of another encoder.
            UnknownIndexKind: there is no such vector index.
            StorageFull: no room.
            StoreUnavailable: the store is damaged, unreadable or of a newer version.
        """
        if index_kind not in INDEX_KINDS:
            raise UnknownIndexKind(
                f"index = {index_kind!r} is unknown; use one of {', '.join(INDEX_KINDS)}"
            )
        folder = data / INDEX_FOLDER
        make_folder(data)
        make_folder(folder)
        with ExitStack() as resources:
            if serve:
                resources.callback(FolderLock(data).release)
            database = Database(store_url or f"sqlite:///{data.absolute() / STORE_FILE}")
            resources.callback(database.close)
            with database.write() as connection:
                binding = bind(connection, encoder)
            snapshot = folder / f"{encoder.contract_hash[:16]}{SUFFIX}"
            if serve:
                remove_others(folder, keep=[snapshot])
            projection = Projection(database, binding, INDEX_KINDS[index_kind], snapshot)
            upkeep = Upkeep(database, projection, snapshot, serve=serve)
            resources.callback(upkeep.run, closing=True)
            return cls(
                database,
                binding,
                projection,
                upkeep,
                encoder=encoder,
                actor=actor,
                resources=resources.pop_all(),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def add(self, faces: Sequence[NewFace]) -> list[Enrolled]:
        """Enrol faces, all or none; they are found from the moment this returns.

        A photo that its person has already is answered with the face enrolled first.

        Raises:
            InvalidName: a person's name cannot be one.
            InvalidEmbedding: an embedding of another dimension, or not of unit length.
            StorageFull: no room; nothing was stored.
            StoreUnavailable: the store cannot be written.
        """
        if not faces:
            return []
        checked(np.stack([face.embedding for face in faces]), self._binding.dimension)
        with self._database.write() as connection:
            enrolled = [
                answer
                for start in range(0, len(faces), FACES_PER_STATEMENT)
                for answer in writing.enrol(
                    connection,
                    faces[start : start + FACES_PER_STATEMENT],
                    encoder_key=self._binding.encoder_key,
                    actor=self._actor,
                )
            ]
        self.catch_up()
        return enrolled

    def face_by_photo(self, person: str, photo_sha256: str) -> Face | None:
        """The face that this photo was enrolled as for this person, if it was."""
        with self._database.read() as connection:
            place = clean_name(person), photo_sha256
            return reading.faces_by_photo(connection, [place]).get(place)

    def has_photo(self, person: str, photo_sha256: str) -> bool:
        """Whether this photo is enrolled for this person."""
        return self.face_by_photo(person, photo_sha256) is not None

    def search(
        self, embeddings: Embeddings, *, k: int, group_by: GroupBy = "person"
    ) -> list[list[Match]]:
        """The faces most like each embedding.

        Args:
            embeddings: float32 (N, D) of unit length.
            k: how many matches each; fewer only where the gallery has no more.
            group_by: "person" names each person once, by the best face; "face" every face.

        Returns:
            For each embedding its matches: best first, of equals the lower face id first.

        Raises:
            InvalidEmbedding: embeddings of another dimension, or not of unit length.
            ValueError: `k` is less than 1.
        """
        if k < 1:
            raise ValueError(f"k = {k} must be at least 1")
        queries = checked(embeddings, self._binding.dimension)
        self.catch_up()
        with self._database.read() as connection:
            return nearest(connection, self._projection.index, queries, k, group_by)

    def face(self, face_id: str) -> Face:
        """The face with this id.

        Raises:
            NotFound: there is none.
        """
        with self._database.read() as connection:
            return reading.face_by_id(connection, face_id)

    def crop(self, face_id: str) -> bytes:
        """What the encoder saw of this face, as a JPEG of at most 256 px.

        Raises:
            NotFound: no face has this id.
        """
        with self._database.read() as connection:
            jpeg = reading.context_crop(connection, face_id)
        context = decode_image(jpeg)
        margin = self._encoder.input.crop_margin
        side_px = round(context.shape[0] * (1 + 2 * margin) / (1 + 2 * CONTEXT_MARGIN))
        size_px = max(1, min(side_px, CROP_MAX_PX))
        return encode_jpeg(crop_from_context(context, margin=margin, size_px=size_px))

    def faces(
        self, *, person: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Face]:
        """Faces in the order of their enrolment; of one person's name, or all.

        Raises:
            InvalidCursor: `cursor` is not the `next_cursor` of such a page.
            InvalidName: `person` cannot be a name.
        """
        name = None if person is None else clean_name(person)
        with self._database.read() as connection:
            return reading.page_of_faces(connection, name=name, limit=limit, cursor=cursor)

    def people(
        self, *, prefix: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Person]:
        """People by name; all, or those whose name begins with `prefix` in upper or lower case.

        Raises:
            InvalidCursor: `cursor` is not the `next_cursor` of such a page.
        """
        with self._database.read() as connection:
            return reading.page_of_people(connection, prefix=prefix, limit=limit, cursor=cursor)

    def erase_face(self, face_id: str) -> None:
        """Erase a face, and its person with the last one. No answer shows it from now on.

        Raises:
            NotFound: no face has this id.
        """
        with self._database.write() as connection:
            writing.erase_face(connection, face_id, actor=self._actor)
        self._after_erasure()

    def erase_person(self, person_id: str) -> int:
        """Erase a person with all faces, and say how many those were.

        Raises:
            NotFound: no person has this id.
        """
        with self._database.write() as connection:
            erased = writing.erase_person(connection, person_id, actor=self._actor)
        self._after_erasure()
        return erased

    def catch_up(self) -> None:
        """Follow what this and other processes wrote; cheap when there is nothing new."""
        self._projection.catch_up()

    def maintain(self) -> None:
        """Do what is due, every few seconds while the gallery is open.

        Catches up; after erasures rids all files of what was erased, within 60 s; when serving,
        writes the index's snapshot once it is stale.

        Raises:
            StorageFull: no room to do so; it is tried again next time.
            StoreUnavailable: the store or the snapshot cannot be written.
        """
        self._upkeep.run()

    def stats(self) -> Stats:
        """Sizes of the store and of the vector index."""
        with self._database.read() as connection:
            people, faces = reading.count_people_and_faces(connection)
        index = self._projection.index
        return Stats(people, faces, index.kind, index.size, index.last_seq)

    def close(self) -> None:
        """Finish the upkeep and let go of the files; closing twice does no harm.

        Raises:
            StorageFull: no room for the upkeep; the files are let go of all the same.
            StoreUnavailable: the store or the snapshot cannot be written.
        """
        self._resources.close()

    def _after_erasure(self) -> None:
        self._upkeep.note_erasure()
        self.catch_up()
