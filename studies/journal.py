"""The journal of a study: which steps are done and what they gave, so that none is done twice.

steps.json: {"study", "recipe", "steps": {name: {"seconds", "figures"}}}
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from training.errors import BadConfig

FILE = "steps.json"

Figures = dict[str, Any]
"""What a step gives: plain values, ready for JSON."""


@dataclass(slots=True)
class Journal:
    """The finished steps of one folder; each is written down as soon as it is done.

    `free` names the settings that may be others than before.
    """

    folder: Path
    study: str
    recipe: dict[str, Any]
    free: tuple[str, ...] = ()
    steps: dict[str, Figures] = field(default_factory=dict)

    @classmethod
    def open(
        cls, folder: Path, study: str, recipe: dict[str, Any], free: tuple[str, ...] = ()
    ) -> Self:
        """Read what is done, or begin.

        Raises:
            BadConfig: the folder holds another study, or one with another recipe, or what is no
                journal.
        """
        journal = cls(folder, study, recipe, free)
        path = folder / FILE
        if not path.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            journal._write()
            return journal
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            told, steps, name = found["recipe"], found["steps"], found["study"]
            _check_same(folder, (name, told), (study, recipe), free)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadConfig(f"{path} is malformed: {error!r}; choose another folder") from error
        journal.steps = steps
        return journal

    def __contains__(self, step: str) -> bool:
        return step in self.steps

    def figures(self) -> dict[str, Figures]:
        """What each finished step gave, by its name."""
        return {name: step["figures"] for name, step in self.steps.items()}

    def finish(self, step: str, figures: Figures, seconds: float) -> None:
        """Note a step; figures that JSON cannot hold are our own mistake."""
        self.steps[step] = {"seconds": round(seconds, 1), "figures": figures}
        self._write()

    def _write(self) -> None:
        text = json.dumps(
            {"study": self.study, "recipe": self.recipe, "steps": self.steps},
            indent=1,
            allow_nan=False,
        )
        partial = self.folder / f"{FILE}.partial"
        partial.write_text(text + "\n", encoding="utf-8")
        partial.replace(self.folder / FILE)


def _check_same(
    folder: Path,
    there: tuple[str, dict[str, Any]],
    asked: tuple[str, dict[str, Any]],
    free: tuple[str, ...],
) -> None:
    if there[0] != asked[0]:
        raise BadConfig(f"{folder} holds the study {there[0]}; choose another folder")
    old, new = there[1], asked[1]
    changed = [
        f"{key} was {old.get(key)!r} and is now {new.get(key)!r}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key) and key not in free
    ]
    if changed:
        raise BadConfig(
            f"{folder} holds this study with other settings ({', '.join(changed)}); "
            "choose another folder"
        )
