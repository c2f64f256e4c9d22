"""Succession: the service moves over by itself when its gallery is switched to another encoder.

    gallery bound to another encoder -> its pipeline and its index, made beside those in use
        -> successor: one assignment, and the next request takes both

A request keeps the resources that it began with, so that no embedding meets the other's index.
"""

import asyncio
import logging
import time
from dataclasses import replace

from starlette.datastructures import State

from faces.card import load_card
from faces.errors import BadCard, FaceError
from index.binding import KnownEncoder
from index.errors import GalleryError
from service.errors import NotReady
from service.meaning import Meaning
from service.resources import Resources, open_pipeline

RETRY_S = 10.0
"""After an encoder could not be taken up: whoever sees to it should not have to wait long."""

WAIT_S = 30.0
"""How long an enrolment waits for the successor."""

_LOOK_EVERY_S = 0.05

logger = logging.getLogger("lookalike")


class Succession:
    """Makes successors. To be used by one thread, the keeper."""

    def __init__(self) -> None:
        self._not_before_s = float("-inf")

    def successor(self, resources: Resources) -> Resources | None:
        """Resources for the encoder that the gallery was switched to; None while it was not.

        An encoder that cannot be taken up is logged, and tried again later. Until then the one
        before it answers, whose embeddings are still there.
        """
        if time.monotonic() < self._not_before_s:
            return None
        try:
            bound = resources.gallery.switched_to()
            return None if bound is None else _made_for(bound, resources)
        except (FaceError, GalleryError, OSError) as error:
            self._not_before_s = time.monotonic() + RETRY_S
            fields = {"reason": str(error)}
            logger.warning("the gallery's new encoder cannot be used", extra={"fields": fields})
            return None


async def next_resources(state: State, before: Resources) -> Resources:
    """Wait for the resources that come after `before`.

    Raises:
        NotReady: they did not come in time.
    """
    deadline_s = time.monotonic() + WAIT_S
    while state.resources.pipeline is before.pipeline:
        if time.monotonic() > deadline_s:
            raise NotReady("the gallery is changing to another encoder; nothing was stored")
        await asyncio.sleep(_LOOK_EVERY_S)
    found: Resources = state.resources
    return found


def _made_for(bound: KnownEncoder, before: Resources) -> Resources:
    """The same resources with the pipeline, the index and the calibration of another encoder.

    Raises:
        FaceError: the encoder's files are not where the gallery knows them, or cannot be used.
        GalleryError: the index cannot be made.
    """
    if bound.folder is None or load_card(bound.folder).contract_hash != bound.contract_hash:
        raise BadCard(f"encoder {bound.name!r} is not in the folder {bound.folder}")
    pipeline = open_pipeline(before.settings, bound.folder, before.pool, before.metrics)
    pipeline.warm_up()
    card = pipeline.encoder.card
    gallery = before.gallery.successor(card)
    logger.info("took up another encoder", extra={"fields": {"encoder": card.name}})
    return replace(
        before, pipeline=pipeline, gallery=gallery, meaning=Meaning.of(card, before.settings)
    )
