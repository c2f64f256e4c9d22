"""Everything that wants a GPU, in steps that can be cut off and gone on with.

    python benchmarks/gpu.py [--photos ../shared/faces] [--work runs/gpu] [--minutes 9]
        [--device cuda] [--smoke]

    simclr -> simclr-resnet18 (no names), simclr-resnet18-tuned (a teacher) -> encoders -> figures
    speed of training, of embedding, of searching on a GPU

Called again, it goes on where the minutes ended: training from its newest checkpoint, everything
else with the step that was under way. What is done stands in WORK/done.json, what was measured in
WORK/results/, the encoders in WORK/encoders/. docs/gpu.md tells what is measured and what waits.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
BENCHMARKS = REPOSITORY / "benchmarks"
GRACE_S = 40
"""How long a step may take to save where it stands."""

UNFINISHED = 75
"""Exit status while steps are left (EX_TEMPFAIL of sysexits.h): call again."""

EPOCHS = {"simclr": 200, "simclr-resnet18": 60, "simclr-resnet18-tuned": 60}
"""On a GPU; the recipes have what a CPU does in an hour."""


@dataclass(frozen=True)
class Step:
    """One command. It ends well, or goes on when it is called again."""

    name: str
    command: list[str]
    optional: bool = False
    """Whether the other steps go on without it (a library that may be absent)."""


def steps(options: argparse.Namespace) -> Iterator[Step]:
    """All steps, in order."""
    lookalike = [sys.executable, "-m", "cli.main"]
    work, train_sets = options.work, options.photos / "train"
    sources = sorted(
        str(path) for path in train_sets.iterdir() if (path / "manifest.csv").is_file()
    )
    runs = {name: str(work / "runs" / name) for name in EPOCHS}
    simclr, label_free, tuned = EPOCHS
    shared = ["--size-px", str(options.size_px), "--device", options.device]
    yield Step("make the teacher", [*lookalike, "data", "teacher", "--to", str(work / "dlib")])
    from_simclr = ["--start", runs[simclr]]
    for name, more in (
        (simclr, []),
        (label_free, from_simclr),
        (tuned, [*from_simclr, "--teacher", str(work / "dlib")]),
    ):
        epochs = 1 if options.smoke else EPOCHS[name]
        command = [*lookalike, "train", *sources, "--recipe", name, "--run", runs[name], *shared]
        yield Step(f"train {name}", [*command, "--epochs", str(epochs), *more])
    for name in (label_free, tuned):
        run = runs[name]
        target = str(work / "encoders" / name)
        yield Step(f"export {name}", [*lookalike, "export", "--run", run, "--to", target])
        for source in ("lfw_dev", "photos_dev", "celebs_dev"):
            photos = options.photos / source
            pairs = ["--pairs", str(photos / "pairs.csv")] if source == "lfw_dev" else []
            if photos.is_dir():
                command = [*lookalike, "evaluate", str(photos), "--encoder", target, "--record"]
                yield Step(f"evaluate {name} on {source}", [*command, *pairs])
    for script, optional in (
        ("training_speed", False),
        ("embedding_speed", False),
        ("gpu_search", True),
    ):
        result = work / "results" / f"{script}.json"
        command = [sys.executable, str(BENCHMARKS / f"{script}.py"), "--device", options.device]
        smoke = ["--smoke"] if options.smoke else []
        yield Step(script, [*command, "--json", str(result), *smoke], optional)


def run(step: Step, until: float) -> bool | None:
    """Do a step: True when it is done, False when the time ran out, None when it failed."""
    print(f"== {step.name}: {' '.join(step.command)}", flush=True)
    process = subprocess.Popen(step.command, cwd=REPOSITORY)
    try:
        return True if process.wait(max(1.0, until - time.monotonic())) == 0 else None
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return False


def main() -> int:
    """Do as many steps as the minutes allow."""
    parser = argparse.ArgumentParser(description="What wants a GPU, in steps.")
    parser.add_argument("--photos", type=Path, default=Path("../shared/faces"))
    parser.add_argument("--work", type=Path, default=Path("runs/gpu"))
    parser.add_argument("--minutes", type=float, default=9.0, help="then stop, to go on later")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size-px", type=int, default=112)
    parser.add_argument("--smoke", action="store_true", help="one epoch, small benchmarks")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes - GRACE_S
    options.work.mkdir(parents=True, exist_ok=True)
    state = options.work / "done.json"
    done: dict[str, str] = json.loads(state.read_text("utf-8")) if state.is_file() else {}
    for step in steps(options):
        if step.name in done:
            continue
        if time.monotonic() >= until:
            print("the minutes are over; call again to go on")
            return UNFINISHED
        ended = run(step, until)
        if ended is False:
            print(f"{step.name} was cut off; call again to go on")
            return UNFINISHED
        if ended is None and not step.optional:
            print(f"{step.name} failed; the steps after it were not tried")
            return 1
        done[step.name] = "done" if ended else "failed"
        state.write_text(json.dumps(done, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(done, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
