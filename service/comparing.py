"""Two faces beside each other: how alike they are, and why, as answers of the service.

portraits -> similarity -> VerifyResponse
portraits -> explanation -> ExplainResponse, with pictures as data URIs
"""

from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from faces.explanation import Explanation, Heat
from faces.overlays import ALIKE, DIFFERENT, as_png, overlay
from faces.portraits import PICTURE_PX, Portrait
from faces.types import DetectedFace
from service.meaning import Meaning
from service.schemas import FoundFace, Similarity

Part = Annotated[float, Field(ge=0, le=1)]
Picture = Annotated[str, Field(description="A PNG as a data URI.")]

TURNED_DEG = 20.0
"""Heads turned further than that are turned."""

ALIKE_DEG = 15.0
"""Heads whose turns differ by less than that are turned alike."""

DIM = 0.4
"""Light (see `faces.quality`) below which little of a face is seen."""


class VerifyResponse(BaseModel):
    """How alike the largest faces of two photos are."""

    similarity: Similarity
    same_person_probability: float | None = Field(
        description="At the prior that /info names; null where the encoder has no calibration."
    )
    faces: list[FoundFace] = Field(min_length=2, max_length=2)


class RegionBody(BaseModel):
    """A part of the face and what it does for the similarity."""

    name: str
    alike: Part = Field(description="Its share of the likeness; all parts together make 1 or 0.")
    different: Part = Field(description="Its share of the difference, likewise.")
    seen: Part = Field(description="How much of the part the encoder's crop shows.")


class PortraitBody(BaseModel):
    """A face as the encoder sees it, and layers to be laid over it."""

    picture: Picture
    alike: Picture = Field(description="Where the two are alike; transparent elsewhere.")
    different: Picture = Field(description="Where they differ; transparent elsewhere.")


class ExplainResponse(VerifyResponse):
    """Why two faces are as alike as they are."""

    regions: list[RegionBody] = Field(description="In the order from the face's middle outwards.")
    pictures: list[PortraitBody] = Field(min_length=2, max_length=2)
    remarks: list[str] = Field(
        description="What else may make them alike or different: pose and light."
    )


def explained(
    found: Explanation, portraits: Sequence[Portrait], meaning: Meaning
) -> ExplainResponse:
    """The answer for an explanation of two portraits."""
    similarity = min(1.0, max(-1.0, found.similarity))
    return ExplainResponse(
        similarity=round(similarity, 6),
        same_person_probability=meaning.probability(similarity),
        faces=[FoundFace.of(portrait.face) for portrait in portraits],
        regions=[
            RegionBody(
                name=region.name,
                alike=round(region.alike, 4),
                different=round(region.different, 4),
                seen=round(region.seen, 2),
            )
            for region in found.regions
        ],
        pictures=[
            PortraitBody(
                picture=_data_uri(as_png(portrait.picture)),
                alike=_layer(found.alike[place], found.alike, ALIKE),
                different=_layer(found.different[place], found.different, DIFFERENT),
            )
            for place, portrait in enumerate(portraits)
        ],
        remarks=list(remarks(*(portrait.face for portrait in portraits))),
    )


def remarks(first: DetectedFace, second: DetectedFace) -> list[str]:
    """What pose and light have to do with it, as far as they are known."""
    said = []
    if first.yaw_deg is not None and second.yaw_deg is not None:
        apart = abs(first.yaw_deg - second.yaw_deg)
        if min(abs(first.yaw_deg), abs(second.yaw_deg)) > TURNED_DEG and apart < ALIKE_DEG:
            said.append("both heads are turned the same way: part of the likeness may be the pose")
        elif apart > 2 * ALIKE_DEG:
            said.append(
                f"the heads are turned {apart:.0f}° apart: that makes one person less alike"
            )
    for which, face in (("first", first), ("second", second)):
        if face.quality is not None and face.quality.light < DIM:
            said.append(f"the light on the {which} face hides part of it")
    return said


def _layer(heat: Heat, both: Heat, colour: tuple[int, int, int]) -> str:
    strongest = float(both.max())
    return _data_uri(overlay(heat, colour, strongest=strongest, size_px=PICTURE_PX))


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode('ascii')}"
