"""What a study is, and how it is run.

    recipe -> steps -> each done once, noted in steps.json -> report

Stopped at any point, the same command goes on: finished steps are not done again, and a training
run inside a step goes on inside its epoch (training.loop).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from studies.journal import Figures, Journal
from studies.recipe import AnyRecipe
from studies.report import Report, write_report

LOG_FILE = "study.log"
DATA_FOLDER = "generated"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of a study that is done as a whole.

    Attributes:
        name: unlike all others of the study.
        do: does it and gives its figures.
    """

    name: str
    do: Callable[[], Figures]


@dataclass(frozen=True, slots=True)
class Study(Generic[AnyRecipe]):
    """One study.

    Attributes:
        name: as the command has it.
        recipe: its settings.
        steps: of a recipe and a folder: what there is to do, in order. Reads what the data are,
            and raises where they are missing or of no use.
        report: of a recipe, a folder and the figures of all steps.
        generate: writes small made-up data into a folder, in the layout of the real ones.
    """

    name: str
    recipe: type[AnyRecipe]
    steps: Callable[[AnyRecipe, Path], Sequence[Step]]
    report: Callable[[AnyRecipe, Path, Mapping[str, Figures]], Report]
    generate: Callable[[Path], Path]


def run_study(
    study: Study[AnyRecipe],
    recipe: AnyRecipe,
    folder: Path,
    tell: Tell = lambda _line: None,
) -> Path:
    """Do what is left of a study, and write its report; returns the path of report.html.

    Args:
        study: which.
        recipe: its settings, of the study's own kind.
        folder: of checkpoints, logs, journal and report.
        tell: is told what is done next.

    Raises:
        BadConfig: the folder holds something else.
        BadTrainingData, BadSource: the data are missing, incomplete or of no use.
        KeyboardInterrupt: Ctrl-C or SIGTERM; the same call goes on from there.
    """
    journal = Journal.open(folder, study.name, recipe.as_dict(), recipe.free)
    steps = study.steps(recipe, folder)
    assert len({step.name for step in steps}) == len(steps)
    with (folder / LOG_FILE).open("a", encoding="utf-8") as log:
        for number, step in enumerate(steps, start=1):
            if step.name in journal:
                continue
            line = f"{number}/{len(steps)} {step.name}"
            tell(line)
            started = time.monotonic()
            figures = step.do()
            seconds = time.monotonic() - started
            journal.finish(step.name, figures, seconds)
            log.write(f"{line}: {seconds:.1f} s\n")
            log.flush()
    tell("report")
    return write_report(study.report(recipe, folder, journal.figures()), folder)
