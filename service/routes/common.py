"""What routes share: resources that are ready, and the name of the encoder in answers."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request

from faces.card import ENCODER_FILE, Card
from index.lookups import LookupKind
from service.access import Caller
from service.resources import Resources
from service.schemas import EncoderName
from service.work import RequestWork

_DRAINED_BYTES = 2**20
"""Read of the body of a request that comes while the service stops, so that its client is there to
read the answer: a connection closed with bytes unread is reset."""


async def _resources_if_ready(request: Request) -> Resources:
    """What the route uses; its work is dropped if the client leaves before it begins."""
    resources: Resources = request.app.state.resources
    if resources.readiness.draining:
        await _read_some(request)
    resources.readiness.check()
    work = RequestWork(resources.pool, request.receive)
    return acting_for(request, replace(resources, work=work))


def acting_for(request: Request, resources: Resources) -> Resources:
    """The same resources, with a gallery that logs changes as those of the request's caller."""
    caller: Caller = request.state.caller
    if caller.key_id is None:
        return resources
    return replace(resources, gallery=resources.gallery.acting_as(caller.actor))


def own_request_key(request: Request, key: str | None) -> str | None:
    """An Idempotency-Key as the caller's own: another caller's may read the same."""
    caller: Caller = request.state.caller
    return key if key is None or caller.key_id is None else f"{caller.key_id} {key}"


def note_lookup(request: Request, resources: Resources, kind: LookupKind, *, faces: int) -> None:
    """Note for the audit log that the request's caller looked at so many faces."""
    caller: Caller = request.state.caller
    resources.audit.note(caller.actor, kind, faces=faces)


async def _read_some(request: Request) -> None:
    count = 0
    async for chunk in request.stream():
        count += len(chunk)
        if count > _DRAINED_BYTES:
            return


Ready = Annotated[Resources, Depends(_resources_if_ready)]
"""Resources for a route; before they are ready the answer is the problem `not-ready`."""


def encoder_name(card: Card) -> EncoderName:
    """How answers name the encoder."""
    return EncoderName(name=f"{card.name}-v{card.version}", sha256=card.sha256[ENCODER_FILE])
