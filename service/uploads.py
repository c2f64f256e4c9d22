"""Uploads: from a request's body, as it streams in, to photos and fields in memory.

    body -> count of the whole request -> multipart parser -> fields, photos
                                      `-> raw image body   -> one photo

Starlette's form parser is not used: it writes files to /tmp, and what was uploaded to be compared
must not touch a disk; nor can it stop in the middle of a file that is too large. Limits here are
enforced while reading, so memory per request is bounded whatever Content-Length says.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from service.errors import FieldError, InvalidRequest, TooLarge, UnsupportedMediaType

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_PHOTOS = 50
"""In one enrolment."""

MAX_FIELD_BYTES = 16 * 2**10
_MAX_NAME_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What a request may have at most: bytes in all, bytes in one photo, photos."""

    request_bytes: int
    photo_bytes: int
    photos: int = 1


@dataclass(frozen=True, slots=True)
class UploadedPhoto:
    """One uploaded file; `name` is the client's, cleaned of folders and control characters.

    `field` is the name of the form's field that it came in.
    """

    field: str
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart body: text fields by name, and photos in their order."""

    fields: dict[str, str]
    photos: tuple[UploadedPhoto, ...]

    def photo(self, field: str) -> bytes:
        """The photo of a field.

        Raises:
            InvalidRequest: there is none.
        """
        for photo in self.photos:
            if photo.field == field:
                return photo.data
        raise InvalidRequest(FieldError(field, None, "required: an image file"))


async def read_photo(request: Request, limits: UploadLimits) -> bytes:
    """Read one photo: the multipart field `image`, or the whole body if that is an image.

    Raises:
        UnsupportedMediaType: the body is neither.
        TooLarge: the photo or the request is over its limit, or there are several photos.
        InvalidRequest: the form is broken, lacks `image` or has other fields.
    """
    if _media_type(request).startswith(b"image/"):
        body = bytearray()
        async for chunk in _stream(request, limits):
            body += chunk
            _check_photo_bytes(len(body), limits)
        return bytes(body)
    form = await read_form(request, photo_fields=("image",), fields=(), limits=limits)
    return form.photos[0].data


async def read_form(
    request: Request, *, photo_fields: Sequence[str], fields: Collection[str], limits: UploadLimits
) -> Form:
    """Read a multipart form of one or more photos and of the named text fields.

    One field for photos may be repeated, of several each is given once at most.

    Raises:
        UnsupportedMediaType: the body is no multipart/form-data.
        TooLarge: a photo, the request or the number of photos is over its limit.
        InvalidRequest: the form is broken, lacks photos or has unknown, repeated or long fields.
    """
    content_type, options = parse_options_header(request.headers.get("Content-Type"))
    if content_type != b"multipart/form-data":
        raise UnsupportedMediaType(
            f"the body is {content_type.decode('latin-1') or 'of no Content-Type'}; send "
            "multipart/form-data, or image/* where one image is asked for"
        )
    collector = _FormCollector(photo_fields, fields, limits)
    try:
        parser = MultipartParser(options.get(b"boundary", b""), collector.callbacks())
        async for chunk in _stream(request, limits):
            parser.write(chunk)
    except FormParserError as error:
        raise _broken_form(str(error)) from error
    return collector.form()


class _FormCollector:
    """Takes what the multipart parser finds, and refuses what is too much as soon as it is."""

    def __init__(
        self, photo_fields: Sequence[str], fields: Collection[str], limits: UploadLimits
    ) -> None:
        self._photo_fields = photo_fields
        self._known_fields = fields
        self._limits = limits
        self._fields: dict[str, str] = {}
        self._photos: list[UploadedPhoto] = []
        self._headers: dict[bytes, bytes] = {}
        self._header_name = self._header_value = b""
        self._part_name = self._file_name = ""
        self._part = bytearray()
        self._complete = False

    def callbacks(self) -> "MultipartCallbacks":
        """Our methods under the parser's names for them."""
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": self._add_header_name,
            "on_header_value": self._add_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._add_data,
            "on_part_end": self._end_part,
            "on_end": self._end_form,
        }

    def form(self) -> Form:
        """The form, once the body has ended.

        Raises:
            InvalidRequest: the body ended too early, or there was no photo.
        """
        if not self._complete:
            raise _broken_form("it ends before its last boundary")
        if not self._photos:
            raise InvalidRequest(FieldError(self._photo_fields[0], None, "required: an image file"))
        return Form(self._fields, tuple(self._photos))

    def _begin_part(self) -> None:
        self._headers = {}
        self._part = bytearray()

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _end_headers(self) -> None:
        # the parser's strings are latin-1, as HTTP has it; browsers send names in UTF-8
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._part_name = options.get(b"name", b"").decode("utf-8", "replace")
        self._file_name = options.get(b"filename", b"").decode("utf-8", "replace")
        if self._part_name in self._photo_fields:
            if len(self._photos) == self._limits.photos:
                raise TooLarge(f"there are more than {self._limits.photos} files in the request")
            if len(self._photo_fields) > 1 and self._part_name in {p.field for p in self._photos}:
                raise InvalidRequest(FieldError(self._part_name, None, "given once"))
        elif self._part_name not in self._known_fields:
            known = ", ".join((*self._photo_fields, *self._known_fields))
            raise InvalidRequest(FieldError(self._part_name[:100], None, f"one of {known}"))
        elif self._part_name in self._fields:
            raise InvalidRequest(FieldError(self._part_name, None, "given once"))

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        self._part += data[start:end]
        if self._part_name in self._photo_fields:
            _check_photo_bytes(len(self._part), self._limits)
        elif len(self._part) > MAX_FIELD_BYTES:
            allowed = f"at most {MAX_FIELD_BYTES:,} bytes"
            raise InvalidRequest(FieldError(self._part_name, None, allowed))

    def _end_part(self) -> None:
        if self._part_name in self._photo_fields:
            name = _clean_name(self._file_name) or f"image-{len(self._photos) + 1}"
            self._photos.append(UploadedPhoto(self._part_name, name, bytes(self._part)))
            return
        try:
            self._fields[self._part_name] = self._part.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidRequest(FieldError(self._part_name, None, "text in UTF-8")) from None

    def _end_form(self) -> None:
        self._complete = True


async def _stream(request: Request, limits: UploadLimits) -> AsyncIterator[bytes]:
    """The body chunk by chunk; refuses it by its Content-Length, or else where it gets too long."""
    announced = request.headers.get("Content-Length", "")
    received = int(announced) if announced.isdecimal() else 0
    _check_request_bytes(received, limits)
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        _check_request_bytes(received, limits)
        if chunk:
            yield chunk


def _check_request_bytes(count: int, limits: UploadLimits) -> None:
    if count > limits.request_bytes:
        raise TooLarge(f"the request has more than {limits.request_bytes:,} bytes")


def _check_photo_bytes(count: int, limits: UploadLimits) -> None:
    if count > limits.photo_bytes:
        raise TooLarge(f"an image has more than {limits.photo_bytes:,} bytes")


def _media_type(request: Request) -> bytes:
    return parse_options_header(request.headers.get("Content-Type"))[0]


def _clean_name(name: str) -> str:
    """The last part of a path, printable and not too long: it is stored and shown."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable())[-_MAX_NAME_CHARACTERS:]


def _broken_form(reason: str) -> InvalidRequest:
    return InvalidRequest(
        FieldError("body", None, f"a whole multipart form; this is none: {reason}")
    )
