"""Small files that say they are huge: refused by their header, whatever the format."""

import io
import struct
import tracemalloc
import zlib

import pytest
from PIL import Image as PillowImage

from faces.decode import ACCEPTED, Limits, decode_image, image_size
from faces.errors import BadImage, ImageTooLarge

WIDTH, HEIGHT = 30_000, 20_000
CLAIMED = WIDTH * HEIGHT
LIMITS = Limits(max_pixels=CLAIMED // 20)


def small(format_name, **options):
    file = io.BytesIO()
    PillowImage.new("RGB", (64, 64), (10, 200, 30)).save(file, format_name, **options)
    return bytearray(file.getvalue())


def jpeg_bomb():
    data = small("JPEG")
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", HEIGHT, WIDTH)
    return data


def png_bomb():
    data = small("PNG")
    data[16:24] = struct.pack(">II", WIDTH, HEIGHT)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return data


def png_bomb_that_is_whole():
    """A megabyte of zeros for every kilobyte: 30,000 x 20,000 black pixels in some 75 kB."""

    def chunk(name, content):
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    press = zlib.compressobj(9)
    rows = b"".join(press.compress(bytes(1 + WIDTH // 8)) for _ in range(HEIGHT)) + press.flush()
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def webp_bomb():
    """Lossless: 14 bits a side, so 16,384 square is the most that WebP can claim without VP8X."""
    data = small("WEBP", lossless=True)
    at = data.index(b"VP8L") + 9
    bits = int.from_bytes(data[at : at + 4], "little") & ~0xFFFFFFF
    data[at : at + 4] = (bits | 16_383 | 16_383 << 14).to_bytes(4, "little")
    return data


def gif_bomb():
    data = small("GIF")
    data[6:10] = struct.pack("<HH", WIDTH, HEIGHT)
    return data


def bmp_bomb():
    data = small("BMP")
    data[18:26] = struct.pack("<ii", WIDTH, HEIGHT)
    return data


def with_extents(data):
    """The size that an ISO media file claims is in its `ispe` boxes."""
    at = data.find(b"ispe")
    while at > 0:
        data[at + 8 : at + 16] = struct.pack(">II", WIDTH, HEIGHT)
        at = data.find(b"ispe", at + 1)
    return data


def avif_bomb():
    return with_extents(small("AVIF"))


def heic_bomb():
    import pillow_heif

    file = io.BytesIO()
    picture = PillowImage.new("RGB", (64, 64))
    pillow_heif.from_pillow(picture).save(file)
    return with_extents(bytearray(file.getvalue()))


BOMBS = {
    "JPEG": jpeg_bomb,
    "PNG": png_bomb,
    "PNG, whole": png_bomb_that_is_whole,
    "WebP": webp_bomb,
    "AVIF": avif_bomb,
    "HEIC": heic_bomb,
    "GIF": gif_bomb,
    "BMP": bmp_bomb,
}


def test_there_is_a_bomb_of_every_accepted_format():
    assert {name.split(",")[0] for name in BOMBS} == set(ACCEPTED)


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_that_claims_to_be_huge_is_refused_without_allocating_it(name):
    data = bytes(BOMBS[name]())
    assert len(data) < 200_000
    tracemalloc.start()
    try:
        with pytest.raises((ImageTooLarge, BadImage)) as caught:
            decode_image(data, LIMITS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * 2**20
    if name not in {"AVIF", "HEIC"}:  # whose readers may find out first that the file is made up
        assert isinstance(caught.value, ImageTooLarge)
        with pytest.raises(ImageTooLarge):
            image_size(data, LIMITS)
