"""What can go wrong, as one hierarchy. Each problem type of the service is an exception.

LookalikeError
|-- Unreachable           no answer came
|-- UnexpectedAnswer      something answered that is no Lookalike, or a newer one
`-- Problem               the service said what is wrong; one subclass a type
    |-- InvalidRequest    validation: `errors` names the parameters
    |-- NothingEnrolled   `rejected` says why, photo by photo
    |-- Overloaded        and RateLimited, NotReady: `retry_after_s` says when to try again
    `-- NoFace, NotFound, Conflict, ...
"""

from dataclasses import dataclass

from client.records import FieldError, Rejected


class LookalikeError(Exception):
    """Base of every error that client/ raises."""


class Unreachable(LookalikeError):
    """No answer came: the service is not there, or it took too long."""


class UnexpectedAnswer(LookalikeError):
    """What came is no answer of Lookalike; most likely something else answers at this URL."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a problem says: the fields of `application/problem+json`, and Retry-After in seconds."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: tuple[FieldError, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    retry_after_s: float | None = None


class Problem(LookalikeError):
    """The service refused; of this very class where its type is newer than this client."""

    slug = ""

    def __init__(self, said: Said) -> None:
        super().__init__(said.detail)
        self.said = said

    @property
    def status(self) -> int:
        """Of HTTP."""
        return self.said.status

    @property
    def request_id(self) -> str:
        """Under which the service's log has it."""
        return self.said.request_id

    @property
    def retry_after_s(self) -> float | None:
        """Seconds after which to try again; None where that would not help."""
        return self.said.retry_after_s


class InvalidRequest(Problem):
    """A parameter is missing, unknown or out of range."""

    slug = "validation"

    @property
    def errors(self) -> tuple[FieldError, ...]:
        """Which parameters, and what they may be."""
        return self.said.errors


class NothingEnrolled(Problem):
    """Not one of the photos was taken."""

    slug = "nothing-enrolled"

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        """Why, photo by photo."""
        return self.said.rejected


class BadImage(Problem):
    """Not a whole image of an accepted format."""

    slug = "bad-image"


class NoFace(Problem):
    """No face was found."""

    slug = "no-face"


class SeveralFaces(Problem):
    """More than one face was found where one is asked for."""

    slug = "several-faces"


class UnsupportedMediaType(Problem):
    """The body is neither multipart nor an image."""

    slug = "unsupported-media-type"


class TooLarge(Problem):
    """More bytes, pixels or files than the service's limits."""

    slug = "too-large"


class TooSlow(Problem):
    """The request did not arrive in time."""

    slug = "too-slow"


class NotFound(Problem):
    """No such face, person, collection or path."""

    slug = "not-found"


class MethodNotAllowed(Problem):
    """The path does not take this method."""

    slug = "method-not-allowed"


class Unauthorized(Problem):
    """There is no key, or a wrong one."""

    slug = "unauthorized"


class Forbidden(Problem):
    """The key's role, the Host or the Origin does not allow it."""

    slug = "forbidden"


class RateLimited(Problem):
    """The key's or the address's rate is spent."""

    slug = "rate-limited"


class Overloaded(Problem):
    """The service is too busy."""

    slug = "overloaded"


class NotReady(Problem):
    """The service is starting, or its store is away."""

    slug = "not-ready"


class EncoderMismatch(Problem):
    """The gallery belongs to another encoder."""

    slug = "encoder-mismatch"


class Conflict(Problem):
    """A name, a photo or an Idempotency-Key is taken by something else."""

    slug = "conflict"


class StorageFull(Problem):
    """The service's disk is full; nothing was stored."""

    slug = "storage-full"


class Internal(Problem):
    """A fault of the service, in its log under `request_id`."""

    slug = "internal"


def problem_of(said: Said) -> Problem:
    """The exception for what a problem says."""
    slug = said.type.rsplit("/", 1)[-1]
    kinds = {kind.slug: kind for kind in Problem.__subclasses__()}
    return kinds.get(slug, Problem)(said)
