"""All tests of a service, one after the other, each on a stage of its own."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eyespot.edge.apps_dev.evidence import differences, keep_evidence
from eyespot.edge.apps_dev.expectations import TESTS_FOLDER, Case, Verdict, compare, found_in
from eyespot.edge.apps_dev.footage import source_of
from eyespot.edge.apps_dev.player import Outcome
from eyespot.edge.apps_dev.trial import camera_for, run_trial
from eyespot.edge.apps_dev.verdict_report import Result
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, Kind


@dataclass(frozen=True, slots=True)
class Suite:
    """What every test is run with.

    Attributes:
        folder: of the service.
        models: folder of model packages.
        kept: where evidence goes, a folder for each test that failed.
    """

    folder: Path
    models: Path
    kept: Path
    clock: Clock

    async def run(self, name: str, case: Case, progress: Callable[[float], None]) -> Result:
        """One test. What is wrong with the service or its test is the result; raises ``UNAVAILABLE`` and the like
        for what is missing here.
        """
        shutil.rmtree(self.kept / name, ignore_errors=True)
        try:
            source = source_of(case.footage, self.folder / TESTS_FOLDER)
            with tempfile.TemporaryDirectory(prefix="eyespot-app-") as state:
                place = Path(state) / "state"
                outcome = await run_trial(self.folder, case, source, place, self.models, self.clock, progress)
        except EyespotError as error:
            if error.kind not in (Kind.INVALID, Kind.UNAVAILABLE):
                raise
            return Result(name, Verdict(), Outcome(), str(error))
        verdict = compare(case, found_in(outcome.events, outcome.zero_wall_ns))
        if verdict.passed:
            return Result(name, verdict, outcome)
        into = self.kept / name
        camera = camera_for(source, detect=False)
        await keep_evidence(into, differences(verdict, case.from_s + outcome.footage_s), outcome, camera, self.clock)
        return Result(name, verdict, outcome, evidence=into)
