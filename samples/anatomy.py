"""Anatomy: traits and an expression become measures of one head.

    PersonTraits + smile --measure--> Anatomy

The head's frame, in centimetres: x to the image's right, y down, z towards the camera. The origin
lies between the ears at the height of the eyes. Average measures follow the usual anthropometric
tables (head 15 cm wide and 23 cm long, pupils 6.3 cm apart); each trait moves its own measure only,
so that replacing one trait changes one part of the picture.
"""

from dataclasses import dataclass

from samples.traits import PersonTraits


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Measures of one head, cm unless the name says otherwise."""

    top: float
    half_width: float
    cheek: float
    jaw: float
    chin: float
    chin_out: float
    hairline: float
    brow_ridge: float
    eye_x: float
    eye_half_width: float
    eye_open: float
    eye_tilt: float
    brow_y: float
    brow_arch: float
    brow_half_thickness: float
    nose_tip: float
    nose_half_width: float
    nose_out: float
    mouth_y: float
    mouth_half_width: float
    upper_lip: float
    lower_lip: float
    mouth_gap: float
    corner_lift: float
    smile: float
    age: float
    neck_half_width: float


def measure(traits: PersonTraits, smile: float) -> Anatomy:
    """The measures of `traits` at a smile between 0 (none) and 1 (broad, teeth showing)."""
    man = 1.0 if traits.presentation == "masculine" else 0.0
    age = min(1.0, max(0.0, (traits.age - 28) / 45))
    lips = 1.12 - 0.25 * age + 0.42 * traits.lip_fullness - 0.22 * man
    return Anatomy(
        top=-11.3 - 0.5 * traits.head_length,
        half_width=7.25 + 0.2 * man + 0.55 * traits.head_width,
        cheek=0.25 + 0.7 * traits.cheek_fullness - 0.2 * age,
        jaw=0.55 * man - 0.25 + 0.95 * traits.jaw_width,
        chin=10.7 + 0.45 * man + 0.85 * traits.chin_length,
        chin_out=0.25 * man + 0.2 * traits.chin_length,
        hairline=-7.3 - 0.9 * traits.forehead_height - 0.8 * man * age,
        brow_ridge=0.12 + 0.3 * man,
        eye_x=3.2 + 0.34 * traits.eye_spacing,
        eye_half_width=1.74 - 0.1 * man + 0.16 * traits.eye_size,
        eye_open=(1.26 - 0.14 * age - 0.16 * man + 0.26 * traits.eye_size) * (1 - 0.22 * smile),
        eye_tilt=-0.06 - 0.14 * traits.eye_tilt + 0.05 * age,
        brow_y=-2.3 + 0.3 * man - 0.42 * traits.brow_height,
        brow_arch=0.28 - 0.18 * man + 0.26 * traits.brow_arch,
        brow_half_thickness=0.24 + 0.12 * man + 0.15 * traits.brow_thickness,
        nose_tip=3.5 + 0.2 * man + 0.62 * traits.nose_length + 0.15 * age,
        nose_half_width=1.45 + 0.2 * man + 0.4 * traits.nose_width,
        nose_out=1.8 + 0.3 * man + 0.5 * traits.nose_bridge,
        mouth_y=6.6 + 0.2 * man + 0.36 * traits.mouth_height,
        mouth_half_width=2.5 + 0.15 * man + 0.48 * traits.mouth_width + 0.42 * smile,
        upper_lip=0.52 * lips * (1 - 0.2 * smile),
        lower_lip=0.78 * lips * (1 - 0.12 * smile),
        mouth_gap=max(0.0, smile - 0.35) * 1.15,
        corner_lift=0.5 * smile,
        smile=smile,
        age=age,
        neck_half_width=4.3 + 0.9 * man,
    )
