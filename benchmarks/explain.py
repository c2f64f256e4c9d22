"""How long an explanation takes, and how often it names the part in which two faces differ.

    python -m benchmarks.explain [--people 20] [--json benchmarks/results/explain.json]

Speed is that of all that `POST /explain` does with two photos of 500 px: finding the faces, asking
the encoder some 170 times, drawing the layers; by the clock and in processor time, with one
thread for the encoder, as each of two workers has. Then pairs of made-up people who differ in one
part alone: how often that part comes first, and first or second, among the differences.
"""

import argparse
import json
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import encoders
from faces.confirmation import open_detector
from faces.encoder import OnnxEncoder
from faces.explanation import explain
from faces.jpeg import encode_jpeg
from faces.pipeline import Pipeline
from faces.portraits import encoder_crop
from samples.generator import PersonTraits, make_person, render
from service.comparing import explained
from service.meaning import Meaning
from service.settings import read_settings

PHOTO_PX = 500
PARTS: Mapping[str, Mapping[str, float]] = {
    "mouth": {"mouth_width": 1.0, "mouth_height": 0.5, "lip_fullness": 1.0},
    "nose": {"nose_length": 1.0, "nose_width": 1.0, "nose_bridge": 1.0},
    "eyes": {"eye_size": 1.0, "eye_tilt": 1.0},
    "brows": {"brow_thickness": 1.0, "brow_arch": 1.0, "brow_height": 0.7},
    "jaw": {"jaw_width": 1.0, "chin_length": 1.0},
}
"""Traits of shape, from -1 to 1: one picture has them low, the other high."""

Row = dict[str, float | int | str]


@dataclass(frozen=True)
class Explainer:
    """What the service explains with."""

    pipeline: Pipeline
    encoder: OnnxEncoder
    meaning: Meaning

    def answer(self, one: bytes, other: bytes) -> None:
        """All of an answer but its JSON."""
        portraits = [self.pipeline.portrait(photo) for photo in (one, other)]
        crops = [portrait.crop for portrait in portraits]
        found = explain(self.encoder, self.encoder.card.input, *crops)
        explained(found, portraits, self.meaning)

    def order(self, one: PersonTraits, other: PersonTraits) -> list[str]:
        """The parts of two people, the most different first; both faces are cut alike."""
        pictures = [render(person) for person in (one, other)]
        [face, *_] = open_detector(self.encoder).detect(pictures[0])
        spec = self.encoder.card.input
        crops = [encoder_crop(picture, face, spec) for picture in pictures]
        regions = explain(self.encoder, spec, *crops).regions
        return [part.name for part in sorted(regions, key=lambda part: -part.different)]


def main() -> None:
    """Measure, print and write JSON."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    encoder = OnnxEncoder(encoders.shipped(), threads=1)
    pipeline = Pipeline(open_detector(encoder), encoder)
    explainer = Explainer(pipeline, encoder, Meaning.of(encoder.card, read_settings()))
    told = {
        "encoder": encoder.card.name,
        "speed": speed(explainer, options.people),
        "named": [named(explainer, part, options.people) for part in PARTS],
    }
    print(json.dumps(told, indent=2))
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n")


def speed(explainer: Explainer, people: int) -> Row:
    """Seconds for one answer."""
    photos = [
        encode_jpeg(render(make_person(seed), size_px=PHOTO_PX)) for seed in range(people + 1)
    ]
    explainer.answer(photos[0], photos[1])
    clock, processor = [], []
    for one, other in pairwise(photos):
        began, began_cpu = time.perf_counter(), time.process_time()
        explainer.answer(one, other)
        clock.append(time.perf_counter() - began)
        processor.append(time.process_time() - began_cpu)
    return {
        "pairs": people,
        "clock_s_median": round(statistics.median(clock), 3),
        "clock_s_most": round(max(clock), 3),
        "processor_s_median": round(statistics.median(processor), 3),
    }


def with_traits(person: PersonTraits, sign: int, most: Mapping[str, float]) -> PersonTraits:
    """The same person with some traits of shape low (-1) or high (1)."""
    changes: dict[str, Any] = {trait: sign * value for trait, value in most.items()}
    return replace(person, **changes)


def named(explainer: Explainer, part: str, people: int) -> Row:
    """How often a part is named of pairs that differ in nothing else."""
    places = []
    for seed in range(people):
        person = replace(make_person(seed), beard="none", glasses="none")
        pair = [with_traits(person, sign, PARTS[part]) for sign in (-1, 1)]
        places.append(explainer.order(*pair).index(part))
    return {
        "part": part,
        "pairs": people,
        "first": sum(place == 0 for place in places),
        "first_or_second": sum(place <= 1 for place in places),
    }


if __name__ == "__main__":
    main()
