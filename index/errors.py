"""What can go wrong with a gallery, as one hierarchy.

GalleryError
|-- NotFound              no face, person or collection has this id
|-- InvalidName           a name is empty, too long or holds characters that it may not
|-- InvalidCursor         a page cursor was not given out by this gallery's listing
|-- InvalidEmbedding      vectors of another dimension than the encoder's, or not of unit length
|-- Conflict              the change would collide with something that is there
|-- UnknownIndexKind      no vector index has this name
|-- IndexUnavailable      the server of the vector index is away, or cannot be used
|-- BadBackup             the file is no whole backup of a gallery
|-- BadImport             a file cannot be imported, or one row of it
|-- Unsupported           this store or index has other means for that
|-- ExtraMissing          what is asked for needs a package that is not installed
|-- EncoderMismatch       the gallery belongs to another encoder
|-- EncoderChanged        the gallery was switched to another encoder while it was open
|-- DataFolderLocked      another service serves this data folder
`-- StoreError            the store cannot do its work now
    |-- StorageFull       the disk is full; nothing was stored
    |-- CleaningFailed    what was erased could not be overwritten yet
    `-- StoreUnavailable  the database is away, damaged, locked, unreadable or of a newer version
        `-- StoreReadOnly the disk or the file cannot be written; it can still be read
"""


class GalleryError(Exception):
    """Base of every error that index/ raises."""


class NotFound(GalleryError):
    """No face, person or collection has this id.

    Attributes:
        kind: "face", "person", "collection" or "gallery".
        id: what was asked for.
    """

    def __init__(self, kind: str, id: str, *, by: str = "id") -> None:  # noqa: A002 - the API's word
        super().__init__(f"no {kind} has the {by} {id[:80]!r}")
        self.kind = kind
        self.id = id


class InvalidName(GalleryError):
    """The name of a person or a collection is empty, too long or holds what no name has.

    Attributes:
        field: "person" or "collection".
        allowed: what it may be.
    """

    def __init__(self, message: str, *, field: str, allowed: str) -> None:
        super().__init__(message)
        self.field = field
        self.allowed = allowed


class InvalidCursor(GalleryError):
    """A page cursor that this listing did not give out."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"cursor {cursor[:80]!r} was not given out by this listing")
        self.cursor = cursor


class InvalidEmbedding(GalleryError):
    """Embeddings of another shape than the gallery's encoder gives, or not of unit length."""


class Conflict(GalleryError):
    """The change would collide with something that is there; nothing was changed."""


class UnknownIndexKind(GalleryError):
    """No vector index has this name."""


class IndexUnavailable(GalleryError):
    """The server of the vector index is away, lets nobody in, or holds something else."""


class BadBackup(GalleryError):
    """The file is missing, damaged, or no backup of a gallery."""


class BadImport(GalleryError):
    """A file that is to be imported is malformed or of another encoder, or one row of it is."""


class Unsupported(GalleryError):
    """This store or index has other means for what is asked; the error says which."""


class ExtraMissing(GalleryError):
    """What is asked for needs a package that is not installed.

    Attributes:
        extra: of the distribution, which brings the package.
    """

    def __init__(self, what: str, *, package: str, extra: str) -> None:
        super().__init__(
            f"{what} needs the package {package}: install the extra `{extra}` "
            f"(pip install 'lookalike[{extra}]', or {package} alone)"
        )
        self.extra = extra


class EncoderMismatch(GalleryError):
    """The gallery was embedded by another encoder, so similarities would mean nothing.

    Attributes:
        bound: name of the encoder that the gallery belongs to.
        given: name of the encoder that was to open it.
    """

    def __init__(self, *, bound: str, bound_hash: str, given: str, given_hash: str) -> None:
        super().__init__(
            f"the gallery belongs to encoder {bound!r} (contract {bound_hash[:12]}), "
            f"not to {given!r} (contract {given_hash[:12]}): use the first, move the gallery over "
            "with `lookalike gallery reembed --encoder FOLDER`, or use another data folder"
        )
        self.bound = bound
        self.given = given


class EncoderChanged(GalleryError):
    """The gallery was switched to another encoder meanwhile; nothing was stored."""

    def __init__(self, bound: str) -> None:
        super().__init__(
            f"the gallery was switched to encoder {bound!r} meanwhile; nothing was stored: "
            "do it again with that one"
        )
        self.bound = bound


class DataFolderLocked(GalleryError):
    """Another service serves this data folder."""


class StoreError(GalleryError):
    """The store cannot do its work now; what was acknowledged before is kept."""


class StorageFull(StoreError):
    """The disk is full. Nothing of the operation was stored."""


class CleaningFailed(StoreError):
    """What was erased is gone from all answers, but could not yet be overwritten in the files."""


class StoreUnavailable(StoreError):
    """The database is away, damaged, locked for too long, unreadable or of a newer version."""


class StoreReadOnly(StoreUnavailable):
    """The disk or the file cannot be written. What is there can still be read and searched."""
