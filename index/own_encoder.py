"""Which encoder folder a gallery is to be opened with, before anything is opened.

    folder asked for, or the default -> the gallery's own, if it was moved over -> folder

A gallery that was re-embedded knows its encoder better than a setting that nobody has changed yet;
a restart must not end with that setting. An encoder that the gallery never had is left to be
refused by whoever opens it.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL

from faces.card import load_card
from faces.errors import BadCard
from index.glance import glance

log = logging.getLogger(__name__)

_BOUND = """
    SELECT encoder.contract_hash, encoder.folder FROM encoder
    JOIN gallery ON gallery.encoder_key = encoder.key
"""
_FORMER = """
    SELECT contract_hash FROM encoder
    WHERE bound_at IS NOT NULL AND key NOT IN (SELECT encoder_key FROM gallery)
"""


@dataclass(frozen=True, slots=True)
class _Told:
    """What a gallery tells: its encoder's contract and folder, and the contracts before it."""

    contract_hash: str
    folder: Path
    former: frozenset[str]


def own_encoder(store: Path | URL, *, asked_for: Path | None, default: Path) -> Path:
    """The encoder folder to open a gallery with.

    Args:
        store: the file or the URL of its database; it need not exist.
        asked_for: what a setting says; it counts unless the gallery was moved away from it.
        default: for galleries that know nothing.

    Raises:
        BadCard: the folder that is asked for is no encoder folder.
    """
    wished = asked_for or default
    told = _ask(store)
    if told is None:
        return wished
    contract_hash = load_card(wished).contract_hash
    if contract_hash == told.contract_hash:
        return wished
    if asked_for is not None and contract_hash not in told.former:
        return wished
    if not _has(told.folder, told.contract_hash):
        return wished
    if asked_for is not None:
        log.warning("encoder_follows_gallery asked_for=%s used=%s", asked_for, told.folder)
    return told.folder


def _ask(store: Path | URL) -> _Told | None:
    """What the gallery tells; None if there is none, or one of an older schema."""
    found = glance(store, _BOUND, _FORMER)
    if found is None:
        return None
    bound, former = found
    if not bound or bound[0][1] is None:
        return None
    [(contract_hash, folder)] = bound
    return _Told(str(contract_hash), Path(str(folder)), frozenset(str(item) for (item,) in former))


def _has(folder: Path, contract_hash: str) -> bool:
    try:
        return load_card(folder).contract_hash == contract_hash
    except BadCard:
        return False
