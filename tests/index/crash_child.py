"""A gallery that four threads change until it is killed, and that tells what they do.

    thread  "begin OPERATION", does it, "done" (or "full", "changed": nothing was
            stored; "unsure": who knows)
    keeper  maintains the gallery, as the service does
    merge   "merging" and "merged"
    move    to another encoder: "reembedding", "switched"; the keeper: "taken up"

A line is one JSON list, written to a pipe at once. `crashing` listens to it and kills.
"""

import itertools
import json
import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index import merging, projection, reembedding, upkeep
from index.dropping import drop_others
from index.errors import (
    Conflict,
    EncoderChanged,
    EncoderMismatch,
    StorageFull,
    StoreError,
)
from index.gallery import Gallery
from index.merge_rules import Rules
from tests.index.conftest import make_card, unit
from tests.index.crash_operations import State, after, choose, do

THREADS = 4
ENCODERS = ("first", "second")
"""By one of them the gallery is searched, where it is moved between them."""

DROPPED = 0.3
"""Share of the switches after which the embeddings of the other encoder are removed."""


@dataclass(frozen=True, slots=True)
class Pipe:
    """Tells the driver lines; safe to be used by several threads."""

    descriptor: int

    def tell(self, kind: str, what: Any = None) -> None:
        """Write one line."""
        os.write(self.descriptor, json.dumps([kind, what]).encode() + b"\n")


@dataclass(slots=True)
class Life:
    """What the threads of a child share; after a switch `gallery` is the successor."""

    gallery: Gallery
    pipe: Pipe


def live(data: Path, pipe: Pipe, seed: int, *, merges: bool, reembeds: bool) -> None:
    """Open the gallery, tell what is in it, and change it until killed.

    Args:
        data: the data folder.
        pipe: to the driver.
        seed: of what is done.
        merges: let indexes of a few faces be merged all the time, so that they are swapped often.
        reembeds: move the gallery from one encoder to another and back all the time.
    """
    threading.excepthook = lambda broken: pipe.tell("broken", repr(broken.exc_value))
    upkeep.SNAPSHOT_EVERY, upkeep.CLEAN_EVERY_S = 10, 0.5
    if merges:
        _merge_often(pipe)
    try:
        found, gallery = _opened(data, ENCODERS)
    except StoreError as error:
        pipe.tell("refused", str(error))
        return
    pipe.tell("check", found)
    faces, life = everything(gallery), Life(gallery, pipe)
    pipe.tell("state", {face.source_name: face.person for face in faces})
    for number in range(THREADS):
        mine = {f.source_name: f.person for f in faces if f.source_name.startswith(f"{number}-")}
        arguments = (life, number, mine, random.Random(f"{seed}-{number}"))
        threading.Thread(target=_act, args=arguments, daemon=True).start()
    if reembeds:
        threading.Thread(target=_reembed, args=(life, random.Random(seed)), daemon=True).start()
    _keep(life)


def _opened(data: Path, encoders: Sequence[str]) -> tuple[list[str], Gallery]:
    """What a check finds, and the open gallery, with that of the encoders that it is bound to."""
    first, *others = encoders
    card, there = make_card(first), (data / "gallery.sqlite").exists()
    try:
        findings = Gallery.check(data, encoder=card).findings if there else []
        gallery = Gallery.open(data, encoder=card, serve=True)
    except EncoderMismatch:
        return _opened(data, others)
    return [f"{finding.what}: {finding.where}" for finding in findings], gallery


def _keep(life: Life) -> None:
    """Do as the service's keeper does; a driver that was stopped leaves no children behind."""
    driver = os.getppid()
    while os.getppid() == driver:
        with suppress(StoreError, EncoderMismatch):  # it failed, or has moved on: tried again
            life.gallery.maintain()
            bound = life.gallery.switched_to()
            if bound is not None:
                life.gallery = life.gallery.successor(make_card(bound.name))
                life.pipe.tell("taken up")
        time.sleep(0.01)


def _reembed(life: Life, dice: random.Random) -> None:
    """Move the gallery to the other encoder, again and again, in steps of few faces."""
    reembedding.BATCH_FACES, reembedding.LAST_STEP_FACES = 4, 2
    names = itertools.cycle(ENCODERS)
    for name in names:
        database = life.gallery._database
        with suppress(StoreError, Conflict):  # bound to it already; or the disk, tried again
            move = reembedding.Reembedding(database, make_card(name), Path("nowhere"))
            move.plan()
            life.pipe.tell("reembedding", name)
            move.run(lambda contexts: np.stack([unit(len(context)) for context in contexts]))
            life.pipe.tell("switched", name)
            if dice.random() < DROPPED:
                drop_others(database)
        time.sleep(0.05)


def _merge_often(pipe: Pipe) -> None:
    rules = Rules(exact_up_to=12, delta_rows=3, delta_share=0, exact_delta_share=0)
    projection.Rules = lambda: rules
    merging.REST, merging.RETRY_S = 0.0, 0.05
    merge = projection.Projection._merge

    def told(self: projection.Projection, pause: Callable[[], None]) -> None:
        pipe.tell("merging")
        try:
            merge(self, pause)
        finally:
            pipe.tell("merged")

    projection.Projection._merge = told


def _act(life: Life, number: int, state: State, dice: random.Random) -> None:
    """Do one operation after another; an error whose outcome is unknown ends it."""
    pipe = life.pipe
    while True:
        operation = choose(number, state, dice)
        pipe.tell("begin", [number, operation])
        try:
            do(life.gallery, operation)
        except StorageFull:
            pipe.tell("full", [number])
            time.sleep(0.02)
        except EncoderChanged:
            pipe.tell("changed", [number])
            time.sleep(0.02)
        except StoreError as error:
            pipe.tell("unsure", [number, str(error)])
            return
        else:
            pipe.tell("done", [number])
            state = after(state, operation)


def everything(gallery: Gallery) -> list[Any]:
    faces, cursor = [], None
    while True:
        page = gallery.faces(limit=500, cursor=cursor)
        faces += page.items
        cursor = page.next_cursor
        if cursor is None:
            return faces
