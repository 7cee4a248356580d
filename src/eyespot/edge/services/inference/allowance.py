"""What one service may still ask of the accelerator: inferences a second of each model, and run time by its share.

Pure but for its clock. A model that was not granted is not there. The rate lets a second's worth through at once, two
inferences at least; the share is paid after each run with the time that it took, so that a long run is followed by a
long pause: over any time longer than that, a service has its share and no more. The host's plan of rates may leave it
less for a while.
"""

from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

from eyespot.edge.services.bucket import Bucket
from eyespot.kernel.clock import Clock, seconds
from eyespot.kernel.errors import EyespotError, Kind

WINDOW_S = 1.0
"""Run time of so long is saved up at most."""
LEAST_BURST = 2.0
_KEPT_REFUSALS = 16
PLAN_S = 2.0
"""So soon the plan may leave something again to a model that it leaves nothing now."""
_NEWEST = 0.25
"""Weight of the newest run in what a run takes."""


class Allowance:
    """Of one service, from its start to its end.

    Args:
        rates_hz: inferences a second by model package: those granted, no others.
        share: part of the accelerator's run time, 0 to 1.
    """

    def __init__(self, service: str, rates_hz: Mapping[str, float], share: float, clock: Clock) -> None:
        self._service, self._share, self._rates_hz = service, share, dict(rates_hz)
        self._clock = clock
        self._asked = {name: Bucket(rate, clock, max(LEAST_BURST, rate)) for name, rate in rates_hz.items()}
        self._run = Bucket(share, clock, share * WINDOW_S)
        self._runs: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._run_ns = 0
        self._cost_ms: dict[str, float] = {}
        self._planned: dict[str, tuple[float, Bucket | None]] = {}
        self._last: deque[str] = deque(maxlen=_KEPT_REFUSALS)

    @property
    def packages(self) -> tuple[str, ...]:
        """What was granted."""
        return tuple(self._rates_hz)

    @property
    def rate_hz(self) -> float:
        """Inferences a second of all models together."""
        return sum(self._rates_hz.values())

    def check(self, package: str) -> None:
        """Raise ``FORBIDDEN`` for a model that was not granted."""
        if package not in self._rates_hz:
            known = ", ".join(self._rates_hz) or "no model"
            raise EyespotError(
                Kind.FORBIDDEN, f"{self._service} may not use the model '{package[:64]}'.", f"It was granted: {known}."
            )

    def plan(self, rates_hz: Mapping[str, float]) -> None:
        """Until told otherwise the packages of ``rates_hz`` may run no more often than that; 0: not at all."""
        for package in set(self._planned) - set(rates_hz):
            del self._planned[package]
        for package, rate_hz in rates_hz.items():
            if package in self._rates_hz and self._planned.get(package, (None, None))[0] != rate_hz:
                bucket = Bucket(rate_hz, self._clock, max(1.0, rate_hz)) if rate_hz > 0 else None
                self._planned[package] = rate_hz, bucket

    def ask(self, package: str) -> None:
        """One inference; raises ``FORBIDDEN``, and ``THROTTLED`` above the rate or the share."""
        self.check(package)
        if (wait_s := self._asked[package].wait_s(1.0)) > 0:
            raise _throttled(f"{self._service} may run {package} {self._rates_hz[package]:g} times a second.", wait_s)
        if (wait_s := self._run.wait_s()) > 0:
            raise _throttled(f"{self._service} has used up its {self._share:.0%} of the accelerator.", wait_s)
        planned_hz, planned = self._planned.get(package, (None, None))
        if planned_hz is not None and (wait_s := PLAN_S if planned is None else planned.wait_s(1.0)) > 0:
            raise _throttled(
                f"The host's plan leaves {self._service} {planned_hz:.2g} runs of {package} a second.", wait_s
            )
        if planned is not None:
            planned.take(1.0)
        self._asked[package].take(1.0)

    def ran(self, package: str, run_ns: int) -> None:
        """An inference ran for ``run_ns``."""
        self._run.take(seconds(run_ns))
        self._runs[package] += 1
        self._run_ns += run_ns
        before_ms = self._cost_ms.get(package, run_ns / 1e6)
        self._cost_ms[package] = before_ms + _NEWEST * (run_ns / 1e6 - before_ms)

    def refused(self, error: EyespotError) -> None:
        """Something was refused; ``error`` says what."""
        self._refused[error.kind.name.lower()] += 1
        self._last.append(str(error)[:200])

    def granted(self) -> dict[str, Any]:
        """What it may have, and what a run of each model took of late (None: it did not run), JSON-ready."""
        models = {
            name: {"rate_hz": rate_hz, "run_ms": round(self._cost_ms[name], 3) if name in self._cost_ms else None}
            for name, rate_hz in self._rates_hz.items()
        }
        return {"share": self._share, "models": models}

    def status(self) -> dict[str, Any]:
        """Counters since the start, JSON-ready; ``planned_hz`` where the host's plan leaves less than was granted."""
        planned = {name: {"planned_hz": rate_hz} for name, (rate_hz, _) in self._planned.items()}
        return {
            "share": self._share, "run_s": round(seconds(self._run_ns), 3),
            "models": {
                name: {"rate_hz": rate, "runs": self._runs[name], **planned.get(name, {})}
                for name, rate in self._rates_hz.items()
            },
            "refused": dict(self._refused), "refusals": list(self._last),
        }  # fmt: skip


def _throttled(what: str, wait_s: float) -> EyespotError:
    return EyespotError(Kind.THROTTLED, what, f"Ask again in {wait_s:.2f} s.")
