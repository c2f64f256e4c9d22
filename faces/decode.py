"""Decoding: from the bytes of an upload to one upright RGB image, or a domain error.

    bytes -> byte limit -> format by magic bytes -> header -> pixel limit -> pixels -> upright RGB

Formats are an explicit list, so none of Pillow's many other readers can be reached. Theirs are
called directly instead of through `PIL.Image.open`: that needs HEIC to be registered for the whole
process, and warns of large images where this module refuses them. Of an animation the first frame
counts.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from faces.errors import BadImage, ImageTooLarge
from faces.types import Image

ACCEPTED = ("JPEG", "PNG", "WebP", "AVIF", "HEIC", "GIF", "BMP")

_READERS: dict[str, Callable[[io.BytesIO], ImageFile]] = {
    "JPEG": JpegImageFile,  # of a multi-picture JPEG (MPO) this is the main picture
    "PNG": PngImageFile,
    "WebP": WebPImageFile,
    "AVIF": AvifImageFile,
    "HEIC": HeifImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
}

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})

_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {
    2: PillowImage.Transpose.FLIP_LEFT_RIGHT,
    3: PillowImage.Transpose.ROTATE_180,
    4: PillowImage.Transpose.FLIP_TOP_BOTTOM,
    5: PillowImage.Transpose.TRANSPOSE,
    6: PillowImage.Transpose.ROTATE_270,
    7: PillowImage.Transpose.TRANSVERSE,
    8: PillowImage.Transpose.ROTATE_90,
}
"""EXIF 2.3, tag Orientation: value -> what brings the stored rows upright. 1 is upright already."""

_BACKGROUND = (255, 255, 255, 255)
"""Transparent parts become white, as viewers show them; black would swallow dark hair."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an image may have at most.

    Attributes:
        max_bytes: size of the encoded file.
        max_pixels: width times height by the header, checked before any pixel is decoded.
    """

    max_bytes: int = 15 * 2**20
    max_pixels: int = 50_000_000


def decode_image(data: bytes, limits: Limits = Limits()) -> Image:
    """Decode an image file, turn it upright and convert it to RGB.

    Args:
        data: a whole file of one of `ACCEPTED`.
        limits: on bytes and pixels.

    Returns:
        uint8 RGB (H, W, 3), read-only.

    Raises:
        BadImage: empty, truncated, damaged or of a format that is not accepted.
        ImageTooLarge: more bytes, or by its header more pixels, than `limits` allow.
    """
    if not data:
        raise BadImage("the image is empty (0 bytes)")
    if len(data) > limits.max_bytes:
        raise ImageTooLarge(
            f"the image has {len(data):,} bytes; at most {limits.max_bytes:,} are accepted"
        )
    format_name = image_format(data)
    if format_name is None:
        raise BadImage(f"the bytes are no image of an accepted format ({', '.join(ACCEPTED)})")
    try:
        picture = _READERS[format_name](io.BytesIO(data))
        _check_pixels(picture.size, limits)
        upright = _turn_upright(picture)
        return np.asarray(_to_rgb(upright))
    except ImageTooLarge:
        raise
    except PillowImage.DecompressionBombError as error:  # some readers look before we can
        raise ImageTooLarge(_too_many_pixels("the image", limits)) from error
    except Exception as error:  # a damaged file makes the readers raise nearly anything
        raise BadImage(f"the bytes are not a whole {format_name} image: {error}") from error


def image_size(data: bytes, limits: Limits = Limits()) -> tuple[int, int]:
    """Width and height in pixels by the header, as they are stored; nothing is decoded.

    Raises:
        BadImage: empty, damaged or of a format that is not accepted.
        ImageTooLarge: more pixels than `limits` allow.
    """
    format_name = image_format(data)
    if format_name is None:
        raise BadImage(f"the bytes are no image of an accepted format ({', '.join(ACCEPTED)})")
    try:
        size: tuple[int, int] = _READERS[format_name](io.BytesIO(data)).size
    except PillowImage.DecompressionBombError as error:
        raise ImageTooLarge(_too_many_pixels("the image", limits)) from error
    except Exception as error:  # a damaged file makes the readers raise nearly anything
        raise BadImage(f"the bytes are not a whole {format_name} image: {error}") from error
    _check_pixels(size, limits)
    return size


def image_format(data: bytes) -> str | None:
    """The format by its magic bytes, one of `ACCEPTED`; None for anything else."""
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[:2] == b"BM":
        return "BMP"
    return _iso_media_format(data)


def _iso_media_format(data: bytes) -> str | None:
    """AVIF or HEIC by the brands of the `ftyp` box (ISO/IEC 14496-12, section 4.3)."""
    if data[4:8] != b"ftyp":
        return None
    box = data[: min(int.from_bytes(data[:4], "big"), 1024)]
    brands = {box[8:12]} | {box[start : start + 4] for start in range(16, len(box), 4)}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIC" if brands & _HEIC_BRANDS else None


def _check_pixels(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise ImageTooLarge(_too_many_pixels(f"an image of {width} x {height} pixels", limits))


def _too_many_pixels(subject: str, limits: Limits) -> str:
    return f"{subject} is too large; at most {limits.max_pixels:,} pixels are accepted"


def _turn_upright(picture: ImageFile) -> PillowImage.Image:
    """Apply the EXIF orientation. HEIC is turned by its reader, which then reports 1."""
    try:
        orientation = picture.getexif().get(_EXIF_ORIENTATION, 1)
        turn = _UPRIGHT.get(orientation)
    except Exception:  # noqa: BLE001 - Pillow's EXIF reader raises anything for damaged EXIF
        turn = None  # the picture itself may be sound
    return picture if turn is None else picture.transpose(turn)


def _to_rgb(picture: PillowImage.Image) -> PillowImage.Image:
    """8-bit RGB from any mode that the accepted formats can have."""
    if picture.mode.startswith("I"):
        picture = _eight_bits(picture)
    if picture.has_transparency_data:
        foreground = picture.convert("RGBA")
        background = PillowImage.new("RGBA", foreground.size, _BACKGROUND)
        return PillowImage.alpha_composite(background, foreground).convert("RGB")
    return picture.convert("RGB")


def _eight_bits(picture: PillowImage.Image) -> PillowImage.Image:
    """Scale 16-bit grey (modes I and I;16) to 8 bits; Pillow's own conversion clips at 255."""
    values: npt.NDArray[np.int64] = np.asarray(picture).astype(np.int64)
    scaled = (np.clip(values, 0, 65535) + 128) // 257
    return PillowImage.fromarray(scaled.astype(np.uint8))
