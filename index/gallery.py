"""The gallery: people and their faces, kept safe in a store and found through a vector index.

    add, erase, ...  -> one transaction of the store -> change log -> vector index
    search, similar  -> vector index -> candidates -> looked up in the store -> matches
    maintain         -> what has expired is erased, and nothing erased is left in any file

A gallery belongs to one encoder. Several processes may open the same data folder, one of them to
serve it. Thread-safe.
"""

import logging
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from faces.card import Card
from faces.types import Embeddings
from index import changes, collections, reading
from index.backup import backup
from index.binding import Binding, KnownEncoder, bind, bound_encoder
from index.centroids import by_centroids
from index.checkup import CheckReport, Checkup, Embed
from index.clusters import Proposal, propose
from index.errors import IndexUnavailable
from index.ground import INDEX_FOLDER, STORE_FILE, Ground, open_store
from index.milvus_options import MilvusOptions
from index.ranking import nearest
from index.records import GroupBy, Match, PersonSimilarity, Stats
from index.store import Store
from index.tables import DEFAULT_COLLECTION
from index.vectors import checked, from_bytes

__all__ = ["INDEX_FOLDER", "STORE_FILE", "Gallery"]

log = logging.getLogger(__name__)

PEOPLE_COMPARED = 4
"""By centroids, this many times as many people are compared as are wanted."""


class Gallery(Store):
    """One open gallery: a store that can be searched. Made by `Gallery.open`, to be closed."""

    def __init__(self, ground: Ground, binding: Binding, *, encoder: Card, actor: str) -> None:
        """See the ground's store with the eyes of one encoder; `Gallery.open` makes them all.

        Raises:
            StorageFull: no room for the index.
            StoreUnavailable: the store is damaged or cannot be read.
        """
        super().__init__(ground.database, binding, encoder=encoder, actor=actor)
        self._ground = ground
        self._projection, self._upkeep = ground.attend(binding)

    @classmethod
    def open(
        cls,
        data: Path,
        *,
        encoder: Card,
        encoder_folder: Path | None = None,
        store_url: str | None = None,
        index_kind: str | MilvusOptions = "auto",
        serve: bool = False,
        actor: str = "local",
    ) -> Self:
        """Open the gallery of a data folder, or make a new one there.

        Args:
            data: the data folder; it is made if it is missing.
            encoder: card of the encoder whose embeddings the gallery holds.
            encoder_folder: where its files are; the gallery remembers it.
            store_url: of the database; SQLite in `data` if None.
            index_kind: "auto", the name of a vector index, or how to use Milvus.
            serve: this process alone serves the folder and writes its snapshots.
            actor: who the audit log says it was.

        Raises:
            DataFolderLocked: `serve`, and another process serves the folder.
            EncoderMismatch: the gallery has faces of another encoder.
            UnknownIndexKind: there is no such vector index, or not on this machine.
            IndexUnavailable: the server of the index is away, or cannot be used.
            StorageFull: no room.
            StoreUnavailable: the store is damaged, unreadable or of a newer version.
        """
        ground = Ground(data, store_url=store_url, index_kind=index_kind, serve=serve)
        with ExitStack() as opened:
            opened.callback(ground.close)
            with ground.database.write() as connection:
                binding = bind(connection, encoder, encoder_folder)
            gallery = cls(ground, binding, encoder=encoder, actor=actor)
            opened.pop_all()
        return gallery

    def switched_to(self) -> KnownEncoder | None:
        """The encoder that the gallery was bound to since this was opened; None if to none."""
        with self._database.read() as connection:
            bound = bound_encoder(connection)
        return None if bound.key == self._binding.encoder_key else bound

    def successor(self, encoder: Card) -> "Gallery":
        """The same gallery for the encoder that it is bound to by now.

        This one goes on answering with the encoder before it, but its upkeep is the successor's.
        To close one of them closes both.

        Raises:
            EncoderMismatch: the gallery is bound to yet another encoder.
            StorageFull: no room for the new index.
            StoreUnavailable: the store cannot be read.
        """
        with self._database.write() as connection:
            binding = bind(connection, encoder)
        self._projection.close()  # no merge may write files that the successor has removed
        successor = Gallery(self._ground, binding, encoder=encoder, actor=self._actor)
        self._upkeep.retire()
        return successor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def search(
        self,
        embeddings: Embeddings,
        *,
        k: int,
        group_by: GroupBy = "person",
        person_similarity: PersonSimilarity = "best",
        collection: str = DEFAULT_COLLECTION,
    ) -> list[list[Match]]:
        """The faces most like each embedding.

        Args:
            embeddings: float32 (N, D) of unit length.
            k: how many matches each; fewer only where the gallery has no more.
            group_by: "person" names each person once, by the best face; "face" every face.
            person_similarity: "centroid" compares people by the mean of their faces instead, among
                those with the nearest faces; only where people are named once.
            collection: where to search.

        Returns:
            For each embedding its matches: best first, of equals the lower face id first.

        Raises:
            InvalidEmbedding: embeddings of another dimension, or not of unit length.
            NotFound: no collection has this name.
            ValueError: `k` is less than 1.
        """
        if k < 1:
            raise ValueError(f"k = {k} must be at least 1")
        queries = checked(embeddings, self._binding.dimension)
        self.catch_up()
        by_centroid = group_by == "person" and person_similarity == "centroid"
        wanted = k * PEOPLE_COMPARED if by_centroid else k
        with self._database.read() as connection:
            key = collections.collection_key(connection, collection)
            index = self._projection.index(key)
            answers = nearest(connection, index, queries, wanted, group_by, key)
            if not by_centroid:
                return answers
            encoder_key = self._binding.encoder_key
            return by_centroids(connection, encoder_key, queries, answers, k)

    def similar(self, face_id: str, *, k: int, group_by: GroupBy = "person") -> list[Match]:
        """What looks most like an enrolled face in its collection.

        Args:
            face_id: the face, which is not among the matches.
            k: how many matches.
            group_by: "person" names each other person once; "face" every other face.

        Raises:
            NotFound: no face has this id.
            ValueError: `k` is less than 1.
        """
        with self._database.read() as connection:
            face = reading.face_by_id(connection, face_id)
            stored = reading.embedding(connection, face_id, self._binding.encoder_key)
            collection = collections.name_of_face(connection, face_id)
        probe = from_bytes([stored], self._binding.dimension)
        [matches] = self.search(probe, k=k + 1, group_by=group_by, collection=collection)
        if group_by == "person":
            others = [match for match in matches if match.face.person_id != face.person_id]
        else:
            others = [match for match in matches if match.face.face_id != face_id]
        return others[:k]

    def catch_up(self) -> None:
        """Follow what this and other processes wrote; cheap when there is nothing new."""
        self._projection.catch_up()

    def maintain(self) -> None:
        """Do what is due, every few seconds while the gallery is open.

        Catches up; rids all files of what was erased, within 60 s; when serving, erases what has
        expired, forgets requests of the day before, and writes the index's snapshot once it is
        stale.

        Raises:
            CleaningFailed: what was erased could not be overwritten yet.
            StorageFull: no room to do so; it is tried again next time.
            StoreUnavailable: the store or the snapshot cannot be written.
        """
        self._upkeep.run(erase_expired=self._erase_what_is_due)

    def backup(self, target: Path) -> int:
        """Copy one state of the store into a new file while it is in use; gives its bytes.

        Raises:
            Conflict: there is such a file already.
            StorageFull: no room.
            StoreUnavailable: the file cannot be written.
        """
        return backup(self._database, target)

    @classmethod
    def check(
        cls,
        data: Path,
        *,
        encoder: Card,
        store_url: str | None = None,
        embed: Embed | None = None,
        repair: bool = False,
        actor: str = "local",
    ) -> CheckReport:
        """Check store and index against each other and themselves; see `index.checkup`.

        Works also on a gallery that is so damaged that it cannot be opened for searches.

        Args:
            data: the data folder.
            encoder: card of the encoder that the gallery belongs to.
            store_url: of the database; SQLite in `data` if None.
            embed: embeds context crops anew, as the pipeline does.
            repair: rebuild what can be.
            actor: who the audit log says it was.

        Raises:
            EncoderMismatch: the gallery has faces of another encoder.
            StoreUnavailable: the store is damaged beyond that, unreadable or of a newer version.
        """
        database = open_store(data, store_url)
        try:
            with database.write() as connection:
                binding = bind(connection, encoder)
            checkup = Checkup(database, binding, actor=actor, repair=repair, embed=embed)
            checkup.check_store()
        finally:
            database.close()
        if checkup.index_can_be_checked:
            with cls.open(data, encoder=encoder, store_url=store_url, actor=actor) as gallery:
                # its own kind of object, so nobody else's secrets
                checkup.check_index(gallery._database, gallery._projection)  # noqa: SLF001
        return checkup.report

    def clusters(
        self, *, min_similarity: float, collection: str = DEFAULT_COLLECTION
    ) -> list[Proposal]:
        """Unnamed people of a collection who look like one, the largest group first.

        Raises:
            NotFound: no collection has this name.
        """
        with self._database.read() as connection:
            return propose(
                connection,
                collection_key=collections.collection_key(connection, collection),
                encoder_key=self._binding.encoder_key,
                dimension=self._binding.dimension,
                min_similarity=min_similarity,
            )

    def stats(self) -> Stats:
        """Sizes of the store and of the vector index."""
        with self._database.read() as connection:
            people, faces = reading.count_people_and_faces(connection)
            newest_seq = changes.last_seq(connection)
        index = self._projection
        return Stats(people, faces, index.kind, index.size, index.last_seq, newest_seq)

    def close(self) -> None:
        """Finish the upkeep and let go of the files; closing twice does no harm.

        Raises:
            StorageFull: no room for the upkeep; the files are let go of all the same.
            StoreUnavailable: the store or the snapshot cannot be written.
        """
        self._ground.close()

    def _erase_what_is_due(self) -> None:
        self.erase_expired()
        self.forget_old_requests()

    def _added(self) -> None:
        self._follow()
        self._upkeep.relieve()

    def _removed(self) -> None:
        self._upkeep.note_erasure()
        self._follow()

    def _follow(self) -> None:
        """Catch up after a commit. What is stored is stored, although the index may be away.

        Until it is back nothing is found at all, and then it catches up before it answers.
        """
        try:
            self.catch_up()
        except IndexUnavailable as error:
            log.warning("index_unavailable reason=%s", error)
