"""Kills a gallery at random moments, again and again, and tells what did not survive.

    driver -- forks --> child (`crash_child`): opens the gallery, tells what is in it, changes it
       |<--- a pipe ---- each thread: "begin OPERATION", does it, "done"
       `-- SIGKILL after some lines; compares the next child's gallery with what it was told

A thread has people of its own, so what it was told to be done is a plain state: photo -> person.
What was begun and not yet done may have happened, wholly, or not at all; everything else must be as
told. Also a program, `crashing.py DATA OLD_GALLERY FAULTS THEME ROUNDS SEED`, which prints JSON.
"""

import json
import mmap
import os
import random
import select
import shutil
import signal
import sqlite3
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from index.gallery import Gallery
from tests.index.conftest import make_card
from tests.index.crash_child import THREADS, Pipe, everything, live
from tests.index.crash_operations import State, after

SILENCE_S = 60.0
"""A child that tells nothing for so long hangs, which is a loss, too."""

FAULT_LINES = 8
"""The disk may fail or heal after so many lines."""

KILLED_AT = {"merging": 0.3, "reembedding": 0.1, "switched": 0.3}
"""Chance of dying soon after a child has told that this goes on."""

OLD_VERSION = "0001"
"""Of the schema of the old gallery."""


@dataclass(frozen=True, slots=True)
class Theme:
    """What else happens while the gallery changes.

    Attributes:
        faults: what the disk does, chosen at random now and then; see faults.c.
        merges: indexes are merged and swapped all the time, and kills come then.
        reembeds: the gallery is moved between two encoders all the time, and kills come then.
        migrates: each child begins with a gallery of an old version, and is killed soon.
        lines: a child is killed after so many at most.
    """

    faults: str = "-"
    merges: bool = False
    reembeds: bool = False
    migrates: bool = False
    lines: int = 60


THEMES = {
    "changes": Theme(),
    "disk": Theme(faults="----fs"),
    "swaps": Theme(merges=True),
    "swaps-disk": Theme(faults="----fs", merges=True),
    "moves": Theme(reembeds=True, lines=200),
    "moves-disk": Theme(faults="----fs", reembeds=True),
    "migrations": Theme(migrates=True),
}


@dataclass
class Driver:
    """What it was told, and what of it did not hold."""

    data: Path
    old_gallery: Path
    faults: mmap.mmap
    theme: Theme
    dice: random.Random
    states: list[State] = field(default_factory=lambda: [{} for _ in range(THREADS)])
    pending: dict[int, list[Any]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    losses: list[str] = field(default_factory=list)
    ended: set[int] = field(default_factory=set)  # threads of this child
    merging: bool = False
    moving: bool = False
    lines_left: int = 0
    kill_at_s: float = 0.0

    def round(self, number: int) -> None:
        """One life and death of a child."""
        self._set_fault("-")
        self.lines_left, self.kill_at_s = self.dice.randint(2, self.theme.lines), float("inf")
        if self.theme.migrates:
            self._kill_within(0.3)
        folder = self._old_data() if self.theme.migrates else self.data
        self._live_and_die(folder, number)
        self.counts["kills in a merge"] += self.merging
        self.counts["kills in a move"] += self.moving
        self._set_fault("-")
        if self.theme.migrates:
            self._migrated(folder)

    def settle(self) -> None:
        """A last life, to compare the end."""
        self.lines_left, self.kill_at_s = 2, float("inf")
        self._live_and_die(self.data, -1)

    def _live_and_die(self, folder: Path, seed: int) -> None:
        self.ended, self.merging, self.moving = set(), False, False
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            try:
                theme = self.theme
                live(folder, Pipe(writing), seed, merges=theme.merges, reembeds=theme.reembeds)
            except Exception:  # noqa: BLE001 - of a process that is about to end
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(writing)
        for kind, what in self._lines(reading, child):
            self.counts[kind] += 1
            self._hear(kind, what)
            self._plan(kind)
        os.close(reading)
        os.waitpid(child, 0)

    def _lines(self, reading: int, child: int) -> Iterator[list[Any]]:
        """What the child tells until it is time to kill it, then what it had told before."""
        rest, killed = b"", False
        while True:
            wait_s = min(SILENCE_S, max(0.0, self.kill_at_s - time.monotonic()))
            if not killed and not select.select([reading], [], [], wait_s)[0]:
                if wait_s == SILENCE_S:
                    self.losses.append(f"a child told nothing for {SILENCE_S} s")
                os.kill(child, signal.SIGKILL)
                killed = True
            piece = os.read(reading, 65536)
            if not piece:
                break
            *lines, rest = (rest + piece).split(b"\n")
            yield from map(json.loads, lines)
        self.counts["kills"] += killed
        if not killed:
            self.losses.append("a child ended by itself")

    def _hear(self, kind: str, what: Any) -> None:
        if kind == "refused":
            self.losses.append(f"it did not open: {what}")
        elif kind == "broken":
            self.losses.append(f"a thread broke down: {what}")
        elif kind == "check" and what:
            self.losses.append(f"the check found {what}")
        elif kind in {"merging", "merged"}:
            self.merging = kind == "merging"
        elif kind in {"reembedding", "taken up"}:
            self.moving = kind == "reembedding"
        elif not self.theme.migrates:
            self._hear_of_changes(kind, what)

    def _hear_of_changes(self, kind: str, what: Any) -> None:
        if kind == "state":
            self._compare(what)
        elif kind == "begin":
            thread, operation = what
            self.pending[thread] = operation
        elif kind == "done":
            self.states[what[0]] = after(self.states[what[0]], self.pending.pop(what[0]))
        elif kind in {"full", "changed"}:
            self.pending.pop(what[0])
        elif kind == "unsure":
            self.ended.add(what[0])

    def _compare(self, found: State) -> None:
        for thread, state in enumerate(self.states):
            mine = {p: name for p, name in found.items() if p.startswith(f"{thread}-")}
            possible = [state]
            if thread in self.pending:
                possible.append(after(state, self.pending[thread]))
            if mine not in possible:
                self.losses.append(f"{mine} is none of {possible}")
            self.states[thread] = mine
        self.pending.clear()

    def _plan(self, kind: str) -> None:
        """After a line: let the disk fail or heal, and choose the moment of death."""
        self.lines_left -= 1
        if self.lines_left <= 0:
            self._kill_within(0.01)
        elif len(self.ended) == THREADS:  # nobody is left to tell anything; the keeper goes on
            self._kill_within(0.3)
        elif self.dice.random() < KILLED_AT.get(kind, 0):
            self._kill_within(0.03)
        elif self.lines_left % FAULT_LINES == 0:
            self._set_fault(self.dice.choice(self.theme.faults))

    def _kill_within(self, seconds: float) -> None:
        at_s = time.monotonic() + self.dice.random() * seconds
        self.kill_at_s = min(self.kill_at_s, at_s)

    def _set_fault(self, fault: str) -> None:
        self.faults[0:1] = fault.encode()
        if fault != "-":
            self.counts[f"fault {fault}"] += 1

    def _old_data(self) -> Path:
        folder = self.data.with_name("old")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(self.old_gallery, folder / "gallery.sqlite")
        return folder

    def _migrated(self, folder: Path) -> None:
        """After a migration was cut off, all faces of the old gallery are there.

        A child that was done with it before it was killed has gone on and enrolled others.
        """
        self.counts["migrations"] += 1
        self.counts["migrations cut off"] += is_old(folder / "gallery.sqlite")
        with Gallery.open(folder, encoder=make_card()) as gallery:
            if sum(face.source_name.endswith(".jpg") for face in everything(gallery)) != 4:
                self.losses.append("a migration lost something")
        if Gallery.check(folder, encoder=make_card()).findings:
            self.losses.append("a migration left something wrong")


def is_old(database: Path) -> bool:
    """Whether it has the schema of an old version still."""
    with closing(sqlite3.connect(database)) as connection:
        [version] = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return bool(version == OLD_VERSION)


def main(data: str, old_gallery: str, faults: str, theme: str, rounds: str, seed: str) -> None:
    """Kill so many children, and print what happened."""
    with Path(faults).open("r+b") as file:
        page = mmap.mmap(file.fileno(), 1)  # written in place: a full disk must not keep it full
    dice = random.Random(int(seed))
    driver = Driver(Path(data), Path(old_gallery), page, THEMES[theme], dice)
    for number in range(int(rounds)):
        driver.round(number)
        if driver.losses:
            break
    driver.settle()
    print(json.dumps({"counts": driver.counts, "losses": driver.losses}))


if __name__ == "__main__":
    main(*sys.argv[1:])
