"""What routes share: resources that are ready, and the name of the encoder in answers."""

from typing import Annotated

from fastapi import Depends, Request

from faces.card import ENCODER_FILE, Card
from service.resources import Resources
from service.schemas import EncoderName


def _resources_if_ready(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    resources.readiness.check()
    return resources


Ready = Annotated[Resources, Depends(_resources_if_ready)]
"""Resources for a route; before they are ready the answer is the problem `not-ready`."""


def encoder_name(card: Card) -> EncoderName:
    """How answers name the encoder."""
    return EncoderName(name=f"{card.name}-v{card.version}", sha256=card.sha256[ENCODER_FILE])
