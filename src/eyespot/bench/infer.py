"""`eyespot bench infer`: every variant of the model on every accelerator here, side by side, and what would be chosen.

One lane, two lanes of one thread each, and one session of two threads. Contenders take short turns, and every ratio is
taken between turns that follow each other, so that a change of the machine's pace hits all alike.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from eyespot.bench import infer_batch
from eyespot.bench.report import BenchOptions, Progress, Report, Target, middle
from eyespot.hal.accelerators.chooser import known
from eyespot.hal.accelerators.contract import reads
from eyespot.infer.fit.speed import Speed, measure
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import Session, open_session
from eyespot.infer.zoo.reference import made_up_picture
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, unavailable

ASPECT = 4 / 3
WINDOW_S, QUICK_WINDOW_S = 1.0, 0.1
TURNS = 4
"""A round's window is taken in so many turns: whatever else the machine does then hits all contenders alike."""
TARGETS = {"chosen_to_best": Target(0.95, "min")}


@dataclass(frozen=True, slots=True)
class Setting:
    """How the sessions are laid out: ``lanes`` sessions of ``threads`` threads each, side by side."""

    name: str
    lanes: int
    threads: int


SETTINGS = (Setting("1_lane", 1, 1), Setting("2_lanes", 2, 1), Setting("2_threads", 1, 2))
LANED = ("1_lane", "2_lanes")
"""What the product runs; sessions of several threads are measured to show why it does not."""


@dataclass(slots=True)
class Contender:
    """A variant on an accelerator; ``speeds`` by setting, one a turn."""

    variant: str
    accelerator: str
    speeds: dict[str, list[Speed]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.variant}_{self.accelerator}".replace("-", "_")


def run(options: BenchOptions, progress: Progress) -> Report:
    """Measure all pairs that run here; the chosen one against the best, setting by setting."""
    package = ModelPackage.load(options.cache / "models" / "nanodet-g")
    size_px = package.document.input.fit(ASPECT)
    report = Report("infer", targets=dict(TARGETS))
    contenders = _contenders(package, size_px, report, progress)
    chosen = _chosen(package, size_px, contenders)
    rounds = 1 if options.quick else options.rounds
    window_s = options.seconds or (QUICK_WINDOW_S if options.quick else WINDOW_S)
    for setting in SETTINGS:
        _race(package, size_px, setting, contenders, rounds, window_s, progress)
    _fill(report, contenders, chosen)
    infer_batch.add(report, package, size_px, rounds * TURNS, window_s / TURNS, progress)
    report.notes.append(
        f"{package.name} at {size_px[1]}x{size_px[0]}, one picture a run, {rounds} rounds of {window_s:g} s in {TURNS} "
        "turns; medians of runs a second and processor milliseconds a run. → is what would be chosen; chosen_to_best: "
        "its runs a second by the best pair's, turn by turn, at most 1: the worse of one and two lanes."
    )
    return report


def _contenders(package: ModelPackage, size_px: tuple[int, int], report: Report, progress: Progress) -> list[Contender]:
    """The pairs that load and run; the others are named in the report's notes."""
    progress.step("finding what runs here")
    pairs = [
        Contender(variant.name, silicon.name)
        for variant in package.document.variants
        if variant.estimate is None
        for silicon in known()
        if silicon.available() and reads(silicon, package.path(variant))
    ]
    running = []
    for number, pair in enumerate(pairs):
        try:
            session = _open(package, pair, size_px, 1)
            _runner(session)()
            session.close()
            running.append(pair)
        except EyespotError as error:
            report.notes.append(f"{pair.variant} on {pair.accelerator} does not run: {error.what}")
        progress.fraction((number + 1) / len(pairs))
    if not running:
        raise unavailable("No variant runs on any accelerator here.", "Run `eyespot models verify`.")
    return running


def _chosen(package: ModelPackage, size_px: tuple[int, int], contenders: list[Contender]) -> Contender:
    """What ``infer.session`` opens by itself on this machine."""
    session = open_session(package, size_px=size_px)
    choice = session.choice
    session.close()
    names = choice.variant.name, choice.accelerator.name
    return next(item for item in contenders if (item.variant, item.accelerator) == names)


def _race(
    package: ModelPackage,
    size_px: tuple[int, int],
    setting: Setting,
    contenders: list[Contender],
    rounds: int,
    window_s: float,
    progress: Progress,
) -> None:
    progress.step(f"{setting.name.replace('_', ' ')}: loading")
    sessions = [[_open(package, item, size_px, setting.threads) for _ in range(setting.lanes)] for item in contenders]
    runners = [[_runner(session) for session in group] for group in sessions]
    for runs in runners:
        measure(runs, 0.0, SystemClock())
    for number in range(rounds):
        progress.step(f"{setting.name.replace('_', ' ')}: round {number + 1} of {rounds}")
        for turn in range(TURNS):
            for place, item in enumerate(contenders):
                speed = measure(runners[place], window_s / TURNS, SystemClock())
                item.speeds.setdefault(setting.name, []).append(speed)
            progress.fraction((turn + 1) / TURNS)
    for session in (each for group in sessions for each in group):
        session.close()


def _open(package: ModelPackage, item: Contender, size_px: tuple[int, int], threads: int) -> Session:
    return open_session(package, variant=item.variant, accelerator=item.accelerator, threads=threads, size_px=size_px)


def _runner(session: Session) -> Callable[[], Any]:
    picture = made_up_picture(*session.input_px)
    return lambda: session.run(picture, borrow=True)


def _fill(report: Report, contenders: list[Contender], chosen: Contender) -> None:
    names = [setting.name for setting in SETTINGS]
    report.rows = [["", "variant", "accelerator", *(name.replace("_", " ") for name in names)]]
    for item in sorted(contenders, key=lambda each: -_per_s(each, "1_lane")):
        row = []
        for name in names:
            cpu_ms = middle([speed.cpu_ms for speed in item.speeds[name]], 2)
            report.figures[f"fps_{item.key}_{name}"] = _per_s(item, name)
            report.figures[f"cpu_ms_{item.key}_{name}"] = cpu_ms
            row.append(f"{_per_s(item, name)}/s {cpu_ms:.1f}ms")
        report.rows.append(["→" if item is chosen else "", item.variant, item.accelerator, *row])
    report.figures["chosen"] = f"{chosen.variant} on {chosen.accelerator}"
    for name in LANED:
        best = max(contenders, key=lambda each: _per_s(each, name))
        report.figures[f"best_{name}"] = f"{best.variant} on {best.accelerator}"
        report.figures[f"chosen_to_best_{name}"] = chosen_to_best(chosen, contenders, name)
    report.figures["chosen_to_best"] = min(float(str(report.figures[f"chosen_to_best_{name}"])) for name in LANED)
    report.figures["lanes_to_threads"] = middle(
        [
            lanes.per_s / threads.per_s
            for lanes, threads in zip(chosen.speeds["2_lanes"], chosen.speeds["2_threads"], strict=True)
        ]
    )


def chosen_to_best(chosen: Contender, contenders: list[Contender], setting: str) -> float:
    """The median of ``chosen``'s speed by the best contender's, turn by turn; at most 1."""
    best = max(contenders, key=lambda each: _per_s(each, setting))
    pairs = zip(chosen.speeds[setting], best.speeds[setting], strict=True)
    return round(min(1.0, median(ours.per_s / theirs.per_s for ours, theirs in pairs)), 3)


def _per_s(item: Contender, setting: str) -> float:
    return middle([speed.per_s for speed in item.speeds[setting]], 1)
