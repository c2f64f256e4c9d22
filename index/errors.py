"""What can go wrong with a gallery, as one hierarchy.

GalleryError
|-- NotFound              no face or person has this id
|-- InvalidName           a person's name is empty, too long or holds control characters
|-- InvalidCursor         a page cursor was not given out by this gallery's listing
|-- InvalidEmbedding      vectors of another dimension than the encoder's, or not of unit length
|-- UnknownIndexKind      no vector index has this name
|-- EncoderMismatch       the gallery belongs to another encoder
|-- DataFolderLocked      another service serves this data folder
`-- StoreError            the store cannot do its work now
    |-- StorageFull       the disk is full; nothing was stored
    `-- StoreUnavailable  the database is damaged, locked, unreadable or of a newer version
"""


class GalleryError(Exception):
    """Base of every error that index/ raises."""


class NotFound(GalleryError):
    """No face or person has this id.

    Attributes:
        kind: "face" or "person".
        id: what was asked for.
    """

    def __init__(self, kind: str, id: str) -> None:  # noqa: A002 - the word of the API
        super().__init__(f"no {kind} has the id {id!r}")
        self.kind = kind
        self.id = id


class InvalidName(GalleryError):
    """A person's name is empty, too long or holds characters that no name has."""


class InvalidCursor(GalleryError):
    """A page cursor that this listing did not give out."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"cursor {cursor[:80]!r} was not given out by this listing")
        self.cursor = cursor


class InvalidEmbedding(GalleryError):
    """Embeddings of another shape than the gallery's encoder gives, or not of unit length."""


class UnknownIndexKind(GalleryError):
    """No vector index has this name."""


class EncoderMismatch(GalleryError):
    """The gallery was embedded by another encoder, so similarities would mean nothing.

    Attributes:
        bound: name of the encoder that the gallery belongs to.
        given: name of the encoder that was to open it.
    """

    def __init__(self, *, bound: str, bound_hash: str, given: str, given_hash: str) -> None:
        super().__init__(
            f"the gallery belongs to encoder {bound!r} (contract {bound_hash[:12]}), "
            f"not to {given!r} (contract {given_hash[:12]}): use the first, or another data folder"
        )
        self.bound = bound
        self.given = given


class DataFolderLocked(GalleryError):
    """Another service serves this data folder."""


class StoreError(GalleryError):
    """The store cannot do its work now; what was acknowledged before is kept."""


class StorageFull(StoreError):
    """The disk is full. Nothing of the operation was stored."""


class StoreUnavailable(StoreError):
    """The database is damaged, locked for too long, unreadable or of a newer version."""
