import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from service.errors import InvalidRequest, TooLarge, UnsupportedMediaType
from service.uploads import MAX_FIELD_BYTES, Form, UploadLimits, read_form, read_photo

BOUNDARY = "frontier"
LIMITS = UploadLimits(request_bytes=100_000, photo_bytes=10_000, photos=3)


def request(body, content_type=f"multipart/form-data; boundary={BOUNDARY}", cut=None, length=None):
    """A request whose body arrives in pieces of `cut` bytes, by default in one."""
    cut = cut or max(1, len(body))
    pieces = [body[start : start + cut] for start in range(0, len(body), cut)] or [b""]
    headers = [(b"content-type", content_type.encode("latin-1"))] if content_type else []
    if length is not None:
        headers.append((b"content-length", str(length).encode()))

    async def receive():
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def part(name, data, filename=None):
    disposition = f'form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    head = f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n"
    return head.encode("utf-8") + data + b"\r\n"


def form_body(*parts):
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def read(*parts, limits=LIMITS, fields=("person", "metadata"), **how) -> Form:
    reading = read_form(
        request(form_body(*parts), **how), photo_fields=("images",), fields=fields, limits=limits
    )
    return asyncio.run(reading)


def test_fields_and_photos_are_read_in_their_order():
    form = read(
        part("images", b"first", "a.jpg"),
        part("person", "Zoë".encode()),
        part("images", b"second", "b.jpg"),
    )
    assert form.fields == {"person": "Zoë"}
    assert [(photo.name, photo.data) for photo in form.photos] == [
        ("a.jpg", b"first"),
        ("b.jpg", b"second"),
    ]


@given(data=st.binary(max_size=300), cut=st.integers(1, 40))
def test_a_form_is_the_same_however_its_body_is_cut(data, cut):
    form = read(part("person", b"Ada"), part("images", data, "a.jpg"), cut=cut)
    assert form.fields == {"person": "Ada"}
    assert [photo.data for photo in form.photos] == [data]


@given(body=st.binary(max_size=400))
def test_any_bytes_are_a_form_or_one_of_our_errors(body):
    whole = f"--{BOUNDARY}\r\n".encode() + body
    reading = read_form(request(whole), photo_fields=("images",), fields=(), limits=LIMITS)
    with pytest.raises((InvalidRequest, TooLarge)):
        asyncio.run(reading)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a.jpg", "a.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\me.png", "me.png"),
        ("photo\u202egnp.exe\u0007.jpg", "photognp.exe.jpg"),
        ("Фото.jpg", "Фото.jpg"),
        ("x" * 500 + ".jpg", "x" * 196 + ".jpg"),
        ("", "image-1"),
        (None, "image-1"),
    ],
)
def test_names_of_files_lose_folders_and_control_characters(sent, kept):
    assert read(part("images", b"x", sent)).photos[0].name == kept


def test_a_photo_over_the_limit_is_refused_before_the_rest_is_read():
    taken = []

    async def receive():
        taken.append(1)
        head = part("images", b"", "a.jpg")[:-2] if len(taken) == 1 else b""
        return {"type": "http.request", "body": head + b"x" * 4000, "more_body": True}

    endless = Request(
        {
            "type": "http",
            "headers": [(b"content-type", f"multipart/form-data; boundary={BOUNDARY}".encode())],
        },
        receive,
    )
    with pytest.raises(TooLarge, match="an image has more than 10,000 bytes"):
        asyncio.run(read_form(endless, photo_fields=("images",), fields=(), limits=LIMITS))
    assert len(taken) == 3


def test_the_whole_request_is_limited_also_without_a_content_length():
    photos = [part("images", b"x" * 900, "a.jpg") for _ in range(3)]
    small = UploadLimits(request_bytes=2000, photo_bytes=1000, photos=3)
    with pytest.raises(TooLarge, match="the request has more than 2,000 bytes"):
        read(*photos, limits=small, cut=100)


def test_a_content_length_over_the_limit_is_refused_unread():
    with pytest.raises(TooLarge, match="the request has more than 100,000 bytes"):
        asyncio.run(read_photo(request(b"tiny", "image/jpeg", length=10**12), LIMITS))


def test_a_file_too_many_is_refused():
    with pytest.raises(TooLarge, match="more than 3 files"):
        read(*[part("images", b"x", "a.jpg")] * 4)


@pytest.mark.parametrize(
    "content_type",
    ["image/png", "IMAGE/JPEG", "image/jpeg; charset=x", " image/webp ", "image/anything-at-all"],
)
def test_a_raw_image_is_a_photo_however_its_type_is_written(content_type):
    assert asyncio.run(read_photo(request(b"bytes", content_type), LIMITS)) == b"bytes"


def test_the_type_of_a_form_may_be_written_in_any_case():
    body = form_body(part("image", b"bytes", "a.jpg"))
    upper = request(body, f"Multipart/Form-Data; charset=utf-8; boundary={BOUNDARY}")
    assert asyncio.run(read_photo(upper, LIMITS)) == b"bytes"


def test_a_raw_image_over_the_limit_is_refused():
    with pytest.raises(TooLarge, match="an image has more than 10,000 bytes"):
        asyncio.run(read_photo(request(b"x" * 10_001, "image/png", cut=1000), LIMITS))


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "application/json",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "multipart/mixed",
        "images/jpeg",
        "text/plain",
        "nonsense",
    ],
)
def test_other_media_types_are_refused(content_type):
    with pytest.raises(UnsupportedMediaType, match=content_type or "no Content-Type"):
        asyncio.run(read_photo(request(b"x", content_type), LIMITS))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (form_body(part("person", b"Ada")), "images"),
        (form_body(part("images", b"x"), part("persn", b"Ada")), "persn"),
        (form_body(part("person", b"Ada"), part("person", b"Bo")), "person"),
        (form_body(part("images", b"x"), part("person", b"\xff")), "person"),
        (form_body(part("metadata", b"x" * (MAX_FIELD_BYTES + 1))), "metadata"),
        (part("images", b"x", "a.jpg"), "body"),
        (b"", "body"),
        (b"no boundary here", "body"),
        (f"--{BOUNDARY}\r\nno colon\r\n\r\nx".encode(), "body"),
        (form_body(f"--{BOUNDARY}\r\nX-Y: z\r\n\r\nx\r\n".encode()), ""),
    ],
)
def test_a_wrong_form_is_refused_by_the_name_of_its_field(body, field):
    reading = read_form(
        request(body), photo_fields=("images",), fields=("person", "metadata"), limits=LIMITS
    )
    with pytest.raises(InvalidRequest) as caught:
        asyncio.run(reading)
    assert [error.field for error in caught.value.errors] == [field]


def test_a_form_without_a_boundary_is_refused():
    with pytest.raises(InvalidRequest):
        asyncio.run(read_photo(request(b"x", "multipart/form-data"), LIMITS))
