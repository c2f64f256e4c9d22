"""The cast: the shipped sample people, and how each of their pictures is taken.

    PEOPLE --view(person, number)--> View: pose, light, smile and scene of one picture

Names are made up, of many origins; the seed decides what the person looks like. The seeds were
chosen among the first 65 so that no two people are near twins.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samples.generator import render
from samples.landmarks import FaceBox, landmarks
from samples.traits import make_person

PICTURES = 3
"""Pictures of each person."""

SIZE_PX = 360


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """A made-up name, and the seed of the traits."""

    name: str
    seed: int


@dataclass(frozen=True, slots=True)
class View:
    """How one picture is taken: `render`'s arguments."""

    yaw_deg: float
    pitch_deg: float
    light_deg: float
    smile: float
    seed: int


PEOPLE = (
    SamplePerson("Marguerite Solenne", 1),
    SamplePerson("Tomas Brevikar", 2),
    SamplePerson("Callum Ferrow", 4),
    SamplePerson("Mei Taniguro", 5),
    SamplePerson("Anjali Verasen", 7),
    SamplePerson("Kwabena Osetolu", 8),
    SamplePerson("Roisin Caldray", 9),
    SamplePerson("Lukas Arendal", 10),
    SamplePerson("Haruki Senmori", 14),
    SamplePerson("Emeka Adurande", 12),
    SamplePerson("Ilse Vanterpol", 17),
    SamplePerson("Katya Morozhina", 21),
    SamplePerson("Bastien Corvale", 22),
    SamplePerson("Freya Lindqvold", 25),
    SamplePerson("Noor Halabizar", 27),
    SamplePerson("Amara Nwokeda", 29),
    SamplePerson("Einar Solvheim", 30),
    SamplePerson("Zola Mbekwane", 33),
    SamplePerson("Dario Montevelli", 36),
    SamplePerson("Owen Pryddale", 40),
    SamplePerson("Isak Rosenvall", 42),
    SamplePerson("Maren Oosthuis", 43),
    SamplePerson("Priya Ranasundar", 45),
    SamplePerson("Helene Castaigne", 47),
    SamplePerson("Rafael Quintamar", 48),
    SamplePerson("Tendai Chivaro", 50),
    SamplePerson("Stavros Kalomenis", 52),
    SamplePerson("Leilani Kahoano", 53),
    SamplePerson("Yusuf Demirsal", 58),
    SamplePerson("Paloma Iriarren", 65),
)


def view(person: SamplePerson, number: int) -> View:
    """Picture `number` (1 to 3): nearly frontal first, then turned to either side."""
    rng = np.random.default_rng([person.seed, number])
    first_side = 1 if person.seed % 4 < 2 else -1
    turn = (rng.uniform(-5, 5), first_side * rng.uniform(7, 15), -first_side * rng.uniform(6, 14))
    mood = (rng.uniform(0.15, 0.5), rng.uniform(0.0, 0.25), rng.uniform(0.55, 0.9))
    return View(
        yaw_deg=round(float(turn[number - 1]), 1),
        pitch_deg=round(float(rng.uniform(-5, 4)), 1),
        light_deg=round(float(rng.uniform(-34, 34)), 1),
        smile=round(float(mood[number - 1]), 2),
        seed=10 * person.seed + number,
    )


def picture(person: SamplePerson, number: int, size_px: int = SIZE_PX) -> npt.NDArray[np.uint8]:
    """Picture `number` of a sample person, uint8 RGB."""
    taken = view(person, number)
    return render(
        make_person(person.seed),
        yaw_deg=taken.yaw_deg,
        pitch_deg=taken.pitch_deg,
        light_deg=taken.light_deg,
        smile=taken.smile,
        size_px=size_px,
        seed=taken.seed,
    )


def face_box(person: SamplePerson, number: int, size_px: int = SIZE_PX) -> FaceBox:
    """Where the face lies in picture `number` of a sample person."""
    taken = view(person, number)
    found = landmarks(
        make_person(person.seed),
        yaw_deg=taken.yaw_deg,
        pitch_deg=taken.pitch_deg,
        smile=taken.smile,
        size_px=size_px,
    )
    return found.box
