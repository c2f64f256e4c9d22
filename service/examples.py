"""Examples of answers and of JSON bodies for the API reference, made of the models themselves.

One story runs through them: Ada Lark and Bo Wren, who do not exist, and a photo of Ada. A route
that has none of these yet is named by tests/service/test_reference.py.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeAlias

from pydantic import BaseModel

from service.comparing import ExplainResponse, PortraitBody, RegionBody, VerifyResponse
from service.meaning import CalibrationInfo, FalseMatchRate
from service.parameters import (
    EXAMPLE_FACE_ID,
    EXAMPLE_PERSON_ID,
    FaceChangeBody,
    NewCollection,
    PersonChangeBody,
)
from service.routes.collections import CollectionBody, Collections
from service.routes.info import EncoderInfo, GalleryInfo, Health, IndexInfo, Info, LimitsInfo
from service.schemas import (
    BoxBody,
    DetectResponse,
    Embedding,
    EmbedResponse,
    EncoderName,
    EnrolledFace,
    EnrollResponse,
    Erased,
    FaceBody,
    FacesPage,
    FoundFace,
    ImageSize,
    MapPerson,
    MapPoints,
    MapResponse,
    MatchBody,
    PeoplePage,
    PersonBody,
    QualityBody,
    RejectedPhoto,
    SearchedFace,
    SearchResponse,
    SimilarFaces,
)

Example: TypeAlias = BaseModel | str

_SHA256 = "7b00630ee1af569b286c2ed1d330bfcbb817df6ea794687406dde5507ece2729"
_PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwAD"
    "hgGAWjR9awAAAABJRU5ErkJggg=="
)

_BOX = BoxBody(left=411, top=102, width=238, height=238)
_SIZE = ImageSize(width=1280, height=853)
_ENCODER = EncoderName(name="simclr-resnet18-tuned-v3", sha256=_SHA256)
_FOUND = FoundFace(
    box=_BOX,
    detection_confidence=0.98,
    quality=QualityBody(width_px=238, sharpness=0.8, light=0.7, yaw_deg=-12.0, advice=[]),
)
_OTHER = FoundFace(
    box=BoxBody(left=96, top=64, width=190, height=190), detection_confidence=0.95, quality=None
)
_ADA = MatchBody(
    rank=1,
    person="Ada Lark",
    face_id=EXAMPLE_FACE_ID,
    similarity=0.731204,
    same_person_probability=0.9912,
    faces_of_person=3,
    crop=f"/gallery/{EXAMPLE_FACE_ID}/crop",
    metadata={"source": "holiday"},
)
_BO = MatchBody(
    rank=1,
    person="Bo Wren",
    face_id="01JD0Q3V9S2X5Y6Z7A8B9C0D2G",
    similarity=0.402118,
    same_person_probability=0.2041,
    faces_of_person=1,
    crop="/gallery/01JD0Q3V9S2X5Y6Z7A8B9C0D2G/crop",
    metadata={},
)
_FACE: Mapping[str, Any] = MappingProxyType(
    {
        "face_id": EXAMPLE_FACE_ID,
        "person_id": EXAMPLE_PERSON_ID,
        "person": "Ada Lark",
        "source_name": "ada-1.jpg",
        "box": _BOX,
        "detection_confidence": 0.98,
        "created_at": datetime(2026, 11, 22, 10, tzinfo=UTC),
        "metadata": {"source": "holiday"},
        "consent_reference": "form 7 of 2026",
        "expires_at": None,
    }
)
_PERSON = PersonBody(
    person_id=EXAMPLE_PERSON_ID, person="Ada Lark", faces=3, face_id=EXAMPLE_FACE_ID
)
_FAMILY = CollectionBody(name="family", people=0, faces=0)
_SKY = RejectedPhoto(
    source_name="sky.jpg", type="/problems/no-face", detail="no face was found in the image"
)
_VERIFIED: Mapping[str, Any] = MappingProxyType(
    {"similarity": 0.684417, "same_person_probability": 0.9754, "faces": [_FOUND, _OTHER]}
)
_PORTRAIT = PortraitBody(picture=_PIXEL, alike=_PIXEL, different=_PIXEL)

_INFO = Info(
    versions={
        "lookalike": "0.1.0",
        "onnxruntime": "1.31.1",
        "faiss": "1.15.1",
        "opencv": "4.14.0",
        "python": "3.11.9",
    },
    encoder=EncoderInfo(
        **_ENCODER.model_dump(),
        created="2026-11-22T14:14:09+00:00",
        dimension=128,
        input={"size_px": 64, "channel_order": "RGB", "alignment": "landmarks"},
        training={"photos": 42219, "people": 6476},
        metrics={"lfw_dev": {"accuracy": 0.92}},
        contract_hash="5d1f0c0a4b7e9d3c",
    ),
    gallery=GalleryInfo(people=2, faces=4, index=IndexInfo(kind="exact", size=4)),
    limits=LimitsInfo(
        max_bytes=15 * 2**20, max_request_bytes=100 * 2**20, max_pixels=50_000_000, max_images=50
    ),
    device="cpu",
    calibration=CalibrationInfo(
        prior=0.5,
        unknown_below=0.52,
        people=480,
        false_match_rates=[
            FalseMatchRate(rate=0.001, similarity=0.52, expected_in_gallery=0.004),
        ],
    ),
)

ANSWERS: Mapping[tuple[str, str], Example] = MappingProxyType(
    {
        ("search", "200"): SearchResponse(
            image=_SIZE,
            faces=[SearchedFace(**_FOUND.model_dump(), unknown=False, matches=[_ADA])],
            encoder=_ENCODER,
            timing_ms={"decode": 3.1, "detect": 18.0, "embed": 6.2, "search": 0.4, "total": 28.4},
        ),
        ("detect", "200"): DetectResponse(image=_SIZE, faces=[_FOUND]),
        ("embed", "200"): EmbedResponse(
            encoder=_ENCODER, embeddings=[Embedding(box=_BOX, embedding=[0.6, -0.8])]
        ),
        ("verify", "200"): VerifyResponse(**_VERIFIED),
        ("explain", "200"): ExplainResponse(
            **_VERIFIED,
            regions=[
                RegionBody(name="eyes", alike=0.61, different=0.12, seen=1.0),
                RegionBody(name="mouth", alike=0.39, different=0.88, seen=0.97),
            ],
            pictures=[_PORTRAIT, _PORTRAIT],
            remarks=["the light on the second face hides part of it"],
        ),
        ("enrol", "201"): EnrollResponse(
            person="Ada Lark", enrolled=[EnrolledFace(**_FACE, duplicate=False)], rejected=[_SKY]
        ),
        ("enrol", "200"): EnrollResponse(
            person="Ada Lark", enrolled=[EnrolledFace(**_FACE, duplicate=True)], rejected=[]
        ),
        ("list_faces", "200"): FacesPage(items=[FaceBody(**_FACE)], next_cursor=None, total=1),
        ("show_face", "200"): FaceBody(**_FACE),
        ("similar", "200"): SimilarFaces(matches=[_BO]),
        ("change_face", "200"): FaceBody(**_FACE),
        ("list_people", "200"): PeoplePage(items=[_PERSON], next_cursor=None, total=1),
        ("rename_person", "200"): PersonBody(
            person_id=EXAMPLE_PERSON_ID, person="Ada King", faces=3, face_id=EXAMPLE_FACE_ID
        ),
        ("show_map", "200"): MapResponse(
            people=[MapPerson(person_id=EXAMPLE_PERSON_ID, person="Ada Lark")],
            points=MapPoints(face_id=[EXAMPLE_FACE_ID], person=[0], x=[-0.25], y=[0.75]),
            next_cursor=None,
            total=1,
            missing=0,
        ),
        ("erase_person", "200"): Erased(erased=3),
        ("list_collections", "200"): Collections(
            items=[CollectionBody(name="default", people=2, faces=4), _FAMILY]
        ),
        ("make_collection", "201"): _FAMILY,
        ("erase_collection", "200"): Erased(erased=12),
        ("info", "200"): _INFO,
        ("live", "200"): Health(status="live"),
        ("ready", "200"): Health(status="ready"),
    }
)
"""(operationId, status) -> what is answered."""

BODIES: Mapping[str, BaseModel] = MappingProxyType(
    {
        "change_face": FaceChangeBody(person="Ada King", metadata={"source": "wedding"}),
        "rename_person": PersonChangeBody(person="Ada King"),
        "make_collection": NewCollection(name="family"),
    }
)
"""operationId -> a JSON body that it takes."""


def as_json(example: Example) -> object:
    """The example as it is on the wire."""
    if isinstance(example, str):
        return example
    return example.model_dump(mode="json", exclude_unset=True)
