"""Quality: how good a face is to recognise someone by, as four values from 0 to 1.

    image + landmarks -> upright face of 64 px -> size, sharpness, light, pose

Plain measurements with stated ends, not a learnt judgement. They tell a user why a probe may do
badly, and let a gallery prefer the better of two photos.
"""

import cv2
import numpy as np
import numpy.typing as npt

from faces.alignment import align_face, to_template
from faces.similarity import scale_of
from faces.types import DetectedFace, FaceQuality, Image

FACE_PX = 64
"""Side of the upright face that sharpness and light are measured on."""

# A value is 0 at the first number and 1 at the second, and straight in between.
SIZE_PX = (16.0, 96.0)
"""Side of the face in the photo: encoders here see 64 to 112 px."""
DETAIL = (0.02, 0.12)
"""Mean absolute Laplacian as a share of the contrast. Shrunk to a quarter and enlarged again, faces
of photos_dev have a median of about 0.03, as they are 0.10."""
BRIGHTNESS_LOW, BRIGHTNESS_HIGH = (20.0, 80.0), (245.0, 200.0)
"""Median grey value, 0 to 255."""
CONTRAST = (8.0, 35.0)
"""Standard deviation of the grey values."""
YAW_DEG = (75.0, 15.0)

# Beyond these, photos_dev loses hits (benchmarks/probe_quality.py): hit@1 is 0.89 for good photos,
# 0.79 at 24 px, 0.75 at a sharpness of 0.5, 0.80 at a light of 0.1, and 0.85 for heads that are
# turned by 30 to 45 degrees; none there is turned further.
ENOUGH_WIDTH_PX = 40
"""Side of the detector's box."""
ENOUGH_SHARPNESS = 0.6
ENOUGH_LIGHT = 0.2
MOST_YAW_DEG = 45


def face_quality(image: Image, landmarks: npt.ArrayLike, yaw_deg: float) -> FaceQuality:
    """Measure a face.

    Args:
        image: uint8 (H, W, 3).
        landmarks: (5, 2), in pixels of the image.
        yaw_deg: how far the head is turned.
    """
    face = align_face(image, landmarks, size_px=FACE_PX)
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32)
    contrast = float(grey.std())
    detail = float(np.abs(cv2.Laplacian(grey, cv2.CV_32F)).mean()) / max(contrast, 1.0)
    brightness = float(np.median(grey))
    light = min(
        _share(brightness, *BRIGHTNESS_LOW),
        _share(brightness, *BRIGHTNESS_HIGH),
        _share(contrast, *CONTRAST),
    )
    return FaceQuality(
        size=_share(1 / scale_of(to_template(landmarks, size_px=1)), *SIZE_PX),
        sharpness=_share(detail, *DETAIL),
        light=light,
        pose=_share(abs(yaw_deg), *YAW_DEG),
    )


def advice_on(face: DetectedFace) -> list[str]:
    """What would make a photo of this face better to recognise someone by; empty if nothing would.

    Without landmarks only its size is known.
    """
    width_px, quality, yaw_deg = face.box.width, face.quality, abs(face.yaw_deg or 0.0)
    advice = []
    if width_px < ENOUGH_WIDTH_PX:
        advice.append(f"the face is {width_px} px wide; {ENOUGH_WIDTH_PX} or more works better")
    if quality is not None and quality.sharpness < ENOUGH_SHARPNESS:
        measured = f"{quality.sharpness:.2g} of 1"
        advice.append(f"the face is blurred (sharpness {measured}); hold the camera still")
    if quality is not None and quality.light < ENOUGH_LIGHT:
        advice.append("the face is too dark, too bright or too flat; light it from the front")
    if yaw_deg > MOST_YAW_DEG:
        advice.append(f"the head is turned by {yaw_deg:.0f}°; {MOST_YAW_DEG}° or less works better")
    return advice


def _share(value: float, zero: float, one: float) -> float:
    """How far `value` is on the way from `zero` to `one`, from 0 to 1, to two digits."""
    return round(float(np.clip((value - zero) / (one - zero), 0, 1)), 2)
