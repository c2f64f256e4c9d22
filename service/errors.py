"""What can go wrong in the service, and the one table from every domain error to its problem.

    ServiceError
    |-- InvalidRequest        a parameter is missing or out of range
    |-- UnsupportedMediaType  the body is neither multipart nor an image
    |-- TooLarge              more bytes or files than the limits allow
    |-- TooSlow               the body does not come
    |-- NothingEnrolled       not one of the photos was taken
    |-- Unauthorized          no key, or a wrong one
    |-- Forbidden             the key's role, the Host or the Origin does not allow it
    |-- RateLimited           the key's or the address's rate is spent
    |-- Overloaded            the work queue is full
    |-- NotReady              starting, or the store is away
    `-- SettingsError         the service cannot start like this

`problem_of` looks an error's class up in PROBLEMS, nearest base first; what is not there is a fault
of ours, `internal`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from faces.errors import BadImage, FaceError, ImageTooLarge, NoFace, SeveralFaces
from index.errors import (
    Conflict,
    EncoderChanged,
    EncoderMismatch,
    IndexUnavailable,
    InvalidCursor,
    InvalidName,
    NotFound,
    StorageFull,
    StoreReadOnly,
    StoreUnavailable,
)


class ServiceError(Exception):
    """Base of every error that service/ raises."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one parameter: its name, what was given, what is allowed."""

    field: str
    value: str | None
    allowed: str


class InvalidRequest(ServiceError):
    """A parameter is missing or out of range."""

    def __init__(self, *errors: FieldError) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{error.field}: {error.allowed}" for error in errors))


class UnsupportedMediaType(ServiceError):
    """The body is neither multipart/form-data nor image/*."""


class TooLarge(ServiceError):
    """A file, the number of files or the whole request is over its limit."""


class TooSlow(ServiceError):
    """The body of the request comes too slowly, or not at all."""


class NothingEnrolled(ServiceError):
    """Not one of the photos was taken; `rejected` says why, photo by photo."""

    def __init__(self, rejected: Sequence[tuple[str, FaceError]]) -> None:
        self.rejected = tuple(rejected)
        super().__init__(
            f"none of the {len(self.rejected)} photos could be enrolled; `rejected` says why"
        )


class Unauthorized(ServiceError):
    """The request brings no key, or a wrong one; `wrong` says which."""

    def __init__(self, message: str, *, wrong: bool = False) -> None:
        super().__init__(message)
        self.wrong = wrong


class Forbidden(ServiceError):
    """The key's role, the Host or the Origin of the request does not allow it."""


class RateLimited(ServiceError):
    """A key or an address asks too often; in `wait_s` seconds it may ask again."""

    def __init__(self, message: str, wait_s: int) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Overloaded(ServiceError):
    """All workers are busy and the queue is full."""


class NotReady(ServiceError):
    """The service is starting, or its store is away."""


class SettingsError(ServiceError):
    """The service cannot start with these settings."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One row of the table: how an error leaves the service.

    Attributes:
        slug: last part of the problem's type URI.
        status: of HTTP.
        title: the same for every occurrence (RFC 9457, section 3.1.3).
        detail: said instead of the error's own words, where those could tell about the inside.
        retry_after_s: seconds for the Retry-After header, where trying again helps.
    """

    slug: str
    status: int
    title: str
    detail: str | None = None
    retry_after_s: int | None = None

    @property
    def type(self) -> str:
        """The problem type, a URI reference."""
        return f"/problems/{self.slug}"


VALIDATION = Problem("validation", 422, "A parameter is missing or out of range")
BAD_IMAGE = Problem("bad-image", 422, "Not an image that can be read")
NO_FACE = Problem("no-face", 422, "No face found")
SEVERAL_FACES = Problem("several-faces", 422, "More than one face found")
NOTHING_ENROLLED = Problem("nothing-enrolled", 422, "No photo was enrolled")
UNSUPPORTED_MEDIA_TYPE = Problem("unsupported-media-type", 415, "Neither multipart nor an image")
TOO_LARGE = Problem("too-large", 413, "Too large")
TOO_SLOW = Problem("too-slow", 408, "The body came too slowly")
NOT_FOUND = Problem("not-found", 404, "Not found")
METHOD_NOT_ALLOWED = Problem("method-not-allowed", 405, "Method not allowed")
UNAUTHORIZED = Problem("unauthorized", 401, "A key is needed")
RATE_LIMITED = Problem("rate-limited", 429, "Too many requests")
FORBIDDEN = Problem("forbidden", 403, "Forbidden")
OVERLOADED = Problem("overloaded", 503, "Too busy", retry_after_s=1)
ENCODER_MISMATCH = Problem("encoder-mismatch", 409, "The gallery belongs to another encoder")
CONFLICT = Problem("conflict", 409, "It would collide with something that is there")
STORAGE_FULL = Problem(
    "storage-full", 507, "The disk is full", detail="The disk is full; nothing was stored."
)
NOT_READY = Problem("not-ready", 503, "Not ready", retry_after_s=2)
STORE_AWAY = Problem(
    "not-ready", 503, "Not ready", detail="The gallery cannot be reached.", retry_after_s=2
)
INDEX_AWAY = Problem(
    "not-ready", 503, "Not ready", detail="The index cannot be reached.", retry_after_s=2
)
READ_ONLY = Problem(
    "not-ready",
    503,
    "Not ready",
    detail="The gallery cannot be written at present; nothing was stored. Searches go on.",
    retry_after_s=2,
)
CHANGING = Problem(
    "not-ready",
    503,
    "Not ready",
    detail="The gallery is changing to another encoder; nothing was stored. Searches go on.",
    retry_after_s=2,
)
INTERNAL = Problem(
    "internal",
    500,
    "A fault of ours",
    detail="Something went wrong inside; the log has it under this request_id.",
)

PROBLEMS: Mapping[type[Exception], Problem] = MappingProxyType(
    {
        InvalidRequest: VALIDATION,
        InvalidCursor: VALIDATION,
        InvalidName: VALIDATION,
        BadImage: BAD_IMAGE,
        NoFace: NO_FACE,
        SeveralFaces: SEVERAL_FACES,
        NothingEnrolled: NOTHING_ENROLLED,
        UnsupportedMediaType: UNSUPPORTED_MEDIA_TYPE,
        TooLarge: TOO_LARGE,
        ImageTooLarge: TOO_LARGE,
        TooSlow: TOO_SLOW,
        NotFound: NOT_FOUND,
        Unauthorized: UNAUTHORIZED,
        Forbidden: FORBIDDEN,
        RateLimited: RATE_LIMITED,
        Overloaded: OVERLOADED,
        EncoderMismatch: ENCODER_MISMATCH,
        EncoderChanged: CHANGING,
        Conflict: CONFLICT,
        StorageFull: STORAGE_FULL,
        NotReady: NOT_READY,
        StoreReadOnly: READ_ONLY,
        StoreUnavailable: STORE_AWAY,
        IndexUnavailable: INDEX_AWAY,
    }
)


def problem_of(error: Exception) -> Problem:
    """The problem for an error: that of its class or of its nearest base in the table."""
    for kind in type(error).__mro__:
        if kind in PROBLEMS:
            return PROBLEMS[kind]
    return INTERNAL
