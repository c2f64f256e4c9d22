"""Every accepted format decodes to the same upright picture; everything else is a domain error."""

import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from faces.decode import ACCEPTED, Limits, decode_image, image_format
from faces.errors import BadImage, ImageTooLarge
from faces.types import Image

HEIGHT, WIDTH = 48, 64
ORIENTATION = 0x0112


def marked() -> Image:
    """Four flat quarters: red, green above; blue, white below. Survives any lossy codec."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[: HEIGHT // 2, : WIDTH // 2] = (220, 30, 30)
    picture[: HEIGHT // 2, WIDTH // 2 :] = (30, 200, 30)
    picture[HEIGHT // 2 :, : WIDTH // 2] = (30, 30, 220)
    picture[HEIGHT // 2 :, WIDTH // 2 :] = (250, 250, 250)
    return picture


def encoded(format_name: str, picture: PillowImage.Image | None = None, **options) -> bytes:
    picture = PillowImage.fromarray(marked()) if picture is None else picture
    file = io.BytesIO()
    if format_name == "HEIC":
        pillow_heif.from_pillow(picture).save(file, quality=90, **options)
    else:
        picture.save(file, format_name, **options)
    return file.getvalue()


def assert_alike(image: Image, expected: Image) -> None:
    """Same shape, and the middle of each quarter has the expected colour."""
    assert image.shape == expected.shape
    assert image.dtype == np.uint8
    height, width = expected.shape[:2]
    for y in (height // 4, 3 * height // 4):
        for x in (width // 4, 3 * width // 4):
            np.testing.assert_allclose(image[y, x].astype(int), expected[y, x], atol=14)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size, followed by next to no data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 64))
        + chunk(b"IEND", b"")
    )


@pytest.fixture(scope="module")
def noise() -> bytes:
    """Pixels that no codec can shorten, so that a cut file misses some of them."""
    return np.random.default_rng(3).integers(0, 256, 96 * 96 * 3, dtype=np.uint8).tobytes()


@pytest.mark.parametrize("format_name", ACCEPTED)
def test_each_accepted_format_decodes_to_the_same_picture(format_name: str) -> None:
    data = encoded(format_name)
    assert image_format(data) == format_name
    assert_alike(decode_image(data), marked())


@pytest.mark.parametrize("format_name", ["TIFF", "ICO", "PPM", "TGA", "JPEG2000", "PCX"])
def test_other_formats_are_refused_though_pillow_reads_them(format_name: str) -> None:
    with pytest.raises(BadImage, match="accepted format"):
        decode_image(encoded(format_name))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WebP", "AVIF", "HEIC"])
def test_a_photo_turned_by_its_orientation_comes_out_upright(
    format_name: str, orientation: int
) -> None:
    turned = {  # what a camera held that way stores, by EXIF 2.3
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](marked())
    exif = PillowImage.Exif()
    exif[ORIENTATION] = orientation
    stored = PillowImage.fromarray(np.ascontiguousarray(turned))
    data = encoded(format_name, stored, exif=exif.tobytes())
    assert_alike(decode_image(data), marked())


def test_greyscale_comes_out_as_three_equal_channels() -> None:
    grey = PillowImage.fromarray(marked()).convert("L")
    for format_name in ("JPEG", "PNG", "BMP", "GIF"):
        image = decode_image(encoded(format_name, grey))
        assert image.shape == (HEIGHT, WIDTH, 3)
        np.testing.assert_array_equal(image[..., 0], image[..., 2])
        assert abs(int(image[10, 10, 0]) - int(np.asarray(grey)[10, 10])) <= 2


def test_one_bit_pictures_are_black_and_white() -> None:
    bits = PillowImage.fromarray(np.eye(32, dtype=np.uint8) * 255).convert("1")
    image = decode_image(encoded("PNG", bits))
    np.testing.assert_array_equal(image[..., 0], np.eye(32, dtype=np.uint8) * 255)


def test_palette_pictures_get_their_colours() -> None:
    palette = PillowImage.fromarray(marked()).quantize(8)
    assert_alike(decode_image(encoded("PNG", palette)), marked())


def test_cmyk_is_converted_to_rgb() -> None:
    cmyk = PillowImage.fromarray(marked()).convert("CMYK")
    assert_alike(decode_image(encoded("JPEG", cmyk, quality=95)), marked())


def test_sixteen_bit_grey_is_scaled_and_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    image = decode_image(encoded("PNG", PillowImage.fromarray(ramp)))
    expected = np.round(ramp / 257)
    np.testing.assert_allclose(image[..., 1], expected, atol=0)
    assert image.min() == 0
    assert image.max() == 255


def test_transparent_parts_become_white() -> None:
    rgba = np.dstack([marked(), np.full((HEIGHT, WIDTH), 255, np.uint8)])
    rgba[: HEIGHT // 2, : WIDTH // 2, 3] = 0
    rgba[: HEIGHT // 2, WIDTH // 2 :, 3] = 128
    for format_name in ("PNG", "WebP", "AVIF"):
        image = decode_image(encoded(format_name, PillowImage.fromarray(rgba), quality=95))
        np.testing.assert_allclose(image[12, 16].astype(int), (255, 255, 255), atol=6)
        np.testing.assert_allclose(image[12, 48].astype(int), (142, 228, 142), atol=14)
        np.testing.assert_allclose(image[36, 16].astype(int), (30, 30, 220), atol=14)


def test_a_transparent_palette_entry_becomes_white() -> None:
    palette = PillowImage.fromarray(marked()).quantize(4)
    hidden = palette.getpixel((5, 5))
    image = decode_image(encoded("GIF", palette, transparency=hidden))
    np.testing.assert_array_equal(image[5, 5], (255, 255, 255))
    np.testing.assert_allclose(image[36, 16].astype(int), (30, 30, 220), atol=14)


@pytest.mark.parametrize("format_name", ["GIF", "WebP", "PNG", "AVIF"])
def test_the_first_frame_of_an_animation_counts(format_name: str) -> None:
    black = PillowImage.new("RGB", (WIDTH, HEIGHT))
    data = encoded(format_name, save_all=True, append_images=[black, black], duration=100)
    assert_alike(decode_image(data), marked())


def test_the_main_picture_of_a_multi_picture_jpeg_counts() -> None:
    small = PillowImage.new("RGB", (16, 16))
    assert_alike(decode_image(encoded("MPO", save_all=True, append_images=[small])), marked())


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_does_not_cost_the_photo() -> None:
    data = encoded("JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xffgarbage")
    assert_alike(decode_image(data), marked())


@pytest.mark.parametrize("format_name", ACCEPTED)
def test_a_truncated_file_is_a_bad_image(format_name: str, noise: bytes) -> None:
    picture = PillowImage.fromarray(np.frombuffer(noise, np.uint8).reshape(96, 96, 3))
    whole = encoded(format_name, picture)
    for share in (0.1, 0.5, 0.9):
        with pytest.raises(BadImage):
            decode_image(whole[: int(len(whole) * share)])


@pytest.mark.parametrize("data", [b"", b"\0", b"a text file\n" * 20, b"\xff\xd8\xff", b"BM"])
def test_what_is_no_image_is_a_bad_image(data: bytes) -> None:
    with pytest.raises(BadImage):
        decode_image(data)


def test_an_iso_media_file_that_is_no_picture_is_a_bad_image() -> None:
    with pytest.raises(BadImage, match="accepted format"):
        decode_image(struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 512, b"mp41") + b"\0" * 100)


def test_the_error_names_the_formats_that_are_accepted() -> None:
    with pytest.raises(BadImage, match="JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP"):
        decode_image(b"hello")


def test_more_bytes_than_the_limit_are_refused_unread() -> None:
    with pytest.raises(ImageTooLarge, match="1,001 bytes; at most 1,000"):
        decode_image(b"x" * 1001, Limits(max_bytes=1000))
    data = encoded("PNG")
    assert decode_image(data, Limits(max_bytes=len(data))).shape == (HEIGHT, WIDTH, 3)


def test_a_header_of_too_many_pixels_is_refused_without_allocating_them() -> None:
    tracemalloc.start()
    with pytest.raises(ImageTooLarge, match="50000 x 50000"):
        decode_image(png_header(50_000, 50_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_the_pixel_limit_is_inclusive() -> None:
    data = encoded("PNG")
    assert decode_image(data, Limits(max_pixels=WIDTH * HEIGHT)).shape == (HEIGHT, WIDTH, 3)
    for format_name in ACCEPTED:
        with pytest.raises(ImageTooLarge, match="64 x 48"):
            decode_image(encoded(format_name), Limits(max_pixels=WIDTH * HEIGHT - 1))


def test_the_limit_of_pixels_is_ours_even_where_pillow_would_look_first() -> None:
    frame = struct.pack("<BHHHHB", 0x2C, 0, 0, 60_000, 60_000, 0)  # larger than its 8 x 8 screen
    gif = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + frame + b"\x02\x02\x44\x01\x00;"
    with pytest.raises(ImageTooLarge):
        decode_image(gif)


@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_a_domain_error(data: bytes) -> None:
    with pytest.raises((BadImage, ImageTooLarge)):
        decode_image(data)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
@pytest.mark.filterwarnings("default")  # Pillow warns of odd metadata; what counts is the result
@pytest.mark.parametrize("format_name", ACCEPTED)
def test_damaged_files_decode_or_raise_a_domain_error(format_name: str, data) -> None:
    mutated = bytearray(encoded(format_name))
    places = st.integers(0, len(mutated) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=8)):
        mutated[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(1, len(mutated)))
    try:
        image = decode_image(bytes(mutated[:end]), Limits(max_pixels=10**6))
    except (BadImage, ImageTooLarge):
        return
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.dtype == np.uint8


def test_a_decoded_photo_can_be_given_to_every_later_step(
    make_face: Callable[..., Image],
) -> None:
    face = make_face(2)
    image = decode_image(encoded("PNG", PillowImage.fromarray(face)))
    np.testing.assert_array_equal(image, face)
    assert not image.flags.writeable
