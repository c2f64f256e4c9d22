"""Traits: what makes a made-up person that person, and how a seed chooses them.

    seed --make_person--> PersonTraits

Traits come from a Kronecker sequence (one irrational step for each trait) instead of independent
random numbers: neighbouring seeds then spread evenly over every trait, so that a small set has no
near twins and ages, skin tones and hair vary fairly.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Colour: TypeAlias = tuple[int, int, int]
"""sRGB, 0-255."""

Presentation: TypeAlias = Literal["feminine", "masculine"]
HairStyle: TypeAlias = Literal[
    "bald", "cropped", "short", "parted", "curly", "bob", "waves", "long", "bun"
]
Beard: TypeAlias = Literal["none", "stubble", "moustache", "goatee", "full"]
Glasses: TypeAlias = Literal["none", "round", "square"]

SKIN_TONES: tuple[Colour, ...] = (
    (247, 217, 198), (239, 201, 176), (228, 184, 152), (212, 163, 126),
    (190, 138, 101), (160, 109, 77), (132, 87, 61), (104, 68, 50),
)  # fmt: skip
HAIR_COLOURS: tuple[Colour, ...] = (
    (28, 23, 22), (46, 33, 27), (74, 49, 34), (110, 73, 44),
    (156, 112, 66), (205, 170, 112), (146, 66, 34), (90, 62, 50),
)  # fmt: skip
FRAME_COLOURS: tuple[Colour, ...] = ((30, 24, 22), (104, 62, 34), (128, 40, 44), (150, 152, 158))
GREY_HAIR: Colour = (196, 194, 192)
EYE_COLOURS: tuple[Colour, ...] = (
    (62, 38, 24), (88, 56, 30), (120, 88, 44), (96, 112, 62), (84, 124, 150), (112, 128, 138),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PersonTraits:
    """One made-up person.

    Every trait of shape is a number in [-1, 1], where 0 is average and +1 is more of what the name
    says; `freckles` is in [0, 1] and `age` in years.
    """

    presentation: Presentation
    age: float
    head_width: float
    head_length: float
    forehead_height: float
    jaw_width: float
    chin_length: float
    cheek_fullness: float
    eye_size: float
    eye_spacing: float
    eye_tilt: float
    eye_colour: Colour
    brow_thickness: float
    brow_arch: float
    brow_height: float
    nose_length: float
    nose_width: float
    nose_bridge: float
    mouth_width: float
    mouth_height: float
    lip_fullness: float
    skin: Colour
    freckles: float
    hair_colour: Colour
    hair_style: HairStyle
    hair_volume: float
    beard: Beard
    glasses: Glasses
    frame_colour: Colour


def make_person(seed: int) -> PersonTraits:
    """The made-up person number `seed`: always the same one for the same seed."""
    draw = _Draw(seed)
    presentation: Presentation = "feminine" if seed % 2 else "masculine"
    feminine = presentation == "feminine"
    age = 19 + 56 * draw.unit() ** 1.4
    grey = min(1.0, max(0.0, (age - 42) / 24)) * draw.unit() ** 0.5
    tone = draw.unit()
    styles: tuple[HairStyle, ...] = (
        ("long", "bob", "curly", "bun", "waves", "long", "bun", "waves", "bob", "parted")
        if feminine
        else ("short", "parted", "cropped", "bald", "curly", "short", "parted")
    )
    beards: tuple[Beard, ...] = ("none", "full", "none", "stubble", "goatee", "none", "moustache")
    glasses: tuple[Glasses, ...] = ("none", "round", "none", "none", "square", "none")
    return PersonTraits(
        presentation=presentation,
        age=age,
        head_width=draw.shape(),
        head_length=draw.shape(),
        forehead_height=draw.shape(),
        jaw_width=draw.shape(),
        chin_length=draw.shape(),
        cheek_fullness=draw.shape(),
        eye_size=draw.shape(),
        eye_spacing=draw.shape(),
        eye_tilt=draw.shape(),
        eye_colour=_eye_colour(tone, draw.unit()),
        brow_thickness=draw.shape(),
        brow_arch=draw.shape(),
        brow_height=draw.shape(),
        nose_length=draw.shape(),
        nose_width=draw.shape(),
        nose_bridge=draw.shape(),
        mouth_width=draw.shape(),
        mouth_height=draw.shape(),
        lip_fullness=draw.shape(),
        skin=_along(SKIN_TONES, tone),
        freckles=max(0.0, 2.5 * draw.unit() - 1.5) if tone < 0.4 else 0.0,
        hair_colour=_greying(_hair_colour(tone, draw.unit()), grey),
        hair_style=styles[int(draw.unit() * len(styles))],
        hair_volume=draw.shape(),
        beard="none" if feminine else beards[int(draw.unit() * len(beards))],
        glasses=glasses[int(draw.unit() * len(glasses))],
        frame_colour=FRAME_COLOURS[int(draw.unit() * len(FRAME_COLOURS))],
    )


class _Draw:
    """Numbers in [0, 1) for one seed, each trait along its own irrational step."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._trait = 0

    def unit(self) -> float:
        """The next trait's number in [0, 1)."""
        self._trait += 1
        prime = _PRIMES[self._trait - 1]
        return float((self._seed * prime**0.5 + 0.37 * self._trait) % 1.0)

    def shape(self) -> float:
        """The next trait's number in [-1, 1)."""
        return 2 * self.unit() - 1


_PRIMES = (
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113,
)  # fmt: skip


def _hair_colour(tone: float, choice: float) -> Colour:
    """Dark skin mostly goes with dark hair; pale skin with any."""
    last = len(HAIR_COLOURS) - 1 if tone < 0.35 else (3 if tone < 0.65 else 1)
    return HAIR_COLOURS[round(choice * last)]


def _greying(colour: Colour, share: float) -> Colour:
    """Greying hair loses its hue before its darkness."""
    level = round(sum(colour) / 3)
    return _blend(_blend(colour, (level, level, level), min(1.0, 1.6 * share)), GREY_HAIR, share)


def _eye_colour(tone: float, choice: float) -> Colour:
    last = len(EYE_COLOURS) - 1 if tone < 0.35 else (3 if tone < 0.6 else 1)
    return EYE_COLOURS[round(choice * last)]


def _along(colours: tuple[Colour, ...], place: float) -> Colour:
    """The colour at `place` (0 to 1) of a row of colours."""
    position = place * (len(colours) - 1)
    first = min(int(position), len(colours) - 2)
    return _blend(colours[first], colours[first + 1], position - first)


def _blend(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
