"""What schemathesis cannot know from a schema: photos with faces, and cursors of listings.

Loaded into it by benchmarks/contract.py.
"""

import io

import schemathesis
from hypothesis import strategies as st
from PIL import Image as PillowImage

from index.cursors import encode_cursor
from samples.generator import make_person, render


def _jpeg(seed: int) -> bytes:
    file = io.BytesIO()
    PillowImage.fromarray(render(make_person(seed), size_px=160)).save(file, "JPEG")
    return file.getvalue()


_PHOTOS = st.sampled_from([_jpeg(seed) for seed in range(1, 5)])
_KEYS = st.integers(0, 2**40)

schemathesis.openapi.format("binary", _PHOTOS)
schemathesis.openapi.media_type("image/*", _PHOTOS)
schemathesis.openapi.format("faces-cursor", _KEYS.map(lambda key: encode_cursor("faces", [key])))
schemathesis.openapi.format(
    "people-cursor", _KEYS.map(lambda key: encode_cursor("people", ["ada", key]))
)
