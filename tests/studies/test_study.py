"""The runner: finished steps are not done again, and a folder keeps to one study."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from studies.journal import Journal
from studies.recipe import StudyRecipe
from studies.report import Claim, Report, Table, render, spread
from studies.study import Step, Study, run_study
from training.errors import BadConfig

RECIPE = StudyRecipe(data="d", epochs=2)


@dataclass
class Work:
    """A study of three steps that notes what is done; one may fail."""

    done: list[str] = field(default_factory=list)
    fails: str = ""

    def do(self, name: str) -> dict[str, object]:
        if name == self.fails:
            raise KeyboardInterrupt
        self.done.append(name)
        return {"name": name}

    def study(self, name: str = "mine") -> Study[StudyRecipe]:
        def steps(_recipe, _folder):
            return [Step(each, lambda each=each: self.do(each)) for each in ("a", "b", "c")]

        return Study(name, StudyRecipe, steps, report_of, Path)


def report_of(recipe, _folder, figures) -> Report:
    return Report(
        study="mine",
        title="Mine & yours",
        question="Is it?",
        answer="It is <so>.",
        data="none",
        settings=recipe.as_dict(),
        claims=[Claim("it is", "0.9", "holds")],
        tables=[Table("All", ("what", "how much"), [["x", "1"]], "a note")],
        plots={"A plot": "data:image/png;base64,AAAA"},
        differences=["because"],
        figures=figures,
    )


def test_a_study_that_was_stopped_goes_on_after_its_finished_steps(tmp_path):
    work = Work(fails="b")
    with pytest.raises(KeyboardInterrupt):
        run_study(work.study(), RECIPE, tmp_path)
    assert not (tmp_path / "report.html").exists()
    work.fails = ""
    told: list[str] = []
    html = run_study(work.study(), RECIPE, tmp_path, told.append)
    assert work.done == ["a", "b", "c"]
    assert told == ["2/3 b", "3/3 c", "report"]
    assert html == tmp_path / "report.html"
    assert [line.split(":")[0] for line in (tmp_path / "study.log").read_text().splitlines()] == [
        "1/3 a", "2/3 b", "3/3 c",
    ]  # fmt: skip
    figures = json.loads((tmp_path / "report.json").read_text())
    assert figures["steps"] == {each: {"name": each} for each in "abc"}
    assert figures["claims"] == [{"claim": "it is", "measured": "0.9", "verdict": "holds"}]


def test_more_seeds_may_be_asked_for_later_but_nothing_else(tmp_path):
    run_study(Work().study(), RECIPE, tmp_path)
    run_study(Work().study(), StudyRecipe(data="d", epochs=2, seeds=(0,), threads=1), tmp_path)
    with pytest.raises(BadConfig, match="epochs was 2 and is now 3"):
        run_study(Work().study(), StudyRecipe(data="d", epochs=3), tmp_path)
    with pytest.raises(BadConfig, match="holds the study mine; choose another folder"):
        run_study(Work().study("yours"), RECIPE, tmp_path)


@pytest.mark.parametrize("text", ["[]", "{", '{"study": "mine"}'])
def test_a_journal_that_cannot_be_read_is_named(tmp_path, text):
    (tmp_path / "steps.json").write_text(text)
    with pytest.raises(BadConfig, match=r"steps\.json is malformed"):
        Journal.open(tmp_path, "mine", {})


def test_the_report_needs_nothing_beside_it():
    html = render(report_of(RECIPE, None, {}))
    assert "Mine &amp; yours" in html
    assert "It is &lt;so&gt;." in html
    assert 'src="data:image/png' in html
    for outside in ("http:", "https:", "<script", "<link", "url("):
        assert outside not in html


def test_a_spread_is_told_where_there_are_several_seeds():
    assert spread([0.5, 0.7], 2) == "0.60 ± 0.14"
    assert spread([0.5]) == "0.500 (1 seed)"
    assert spread([]) == "not run"
