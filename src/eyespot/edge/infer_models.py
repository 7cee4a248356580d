"""The models that the inference process has open, shared by all who use the same one.

Owns which target (variant on accelerator) each runs on: the best of ``infer.session.choices`` that the journal does not
avoid. Models are opened when first asked for and closed when nobody has them any more.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from eyespot.edge.infer_journal import Journal
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import Choice, Session, choices, open_session
from eyespot.infer.share.accelerator import SharedModel
from eyespot.kernel.errors import EyespotError, Kind, invalid, unavailable

R = TypeVar("R")
MAX_OPEN_MODELS = 32


@dataclass(frozen=True, slots=True)
class Wanted:
    """What makes two users' models the same one."""

    package: str
    variant: str = ""
    accelerator: str = ""
    threads: int = 1
    size_px: tuple[int, int] | None = None


class OpenModel:
    """One opened model and how many have it."""

    def __init__(self, wanted: Wanted, package: ModelPackage, shared: SharedModel[Session], journal: Journal) -> None:
        self.wanted = wanted
        self.package = package
        self.shared = shared
        self.users = 0
        self._journal = journal

    def guarded(self, run: Callable[[Session], R]) -> Callable[[Session], R]:
        """``run``, with its target noted while it lasts."""

        def noted(session: Session) -> R:
            with self._journal.running(target_of(self.package, session.choice)):
                return run(session)

        return noted


class Models:
    """Thread-safe. Args: ``folder`` holds the model packages."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        self.folder = folder
        self._journal = journal
        self._lock = threading.Lock()
        self._open: dict[Wanted, OpenModel] = {}

    def take(self, wanted: Wanted) -> OpenModel:
        """The model for ``wanted``; it opens at its first run. Raises as ``ModelPackage.load``, ``EXHAUSTED``."""
        with self._lock:
            model = self._open.get(wanted)
            if model is None:
                if len(self._open) >= MAX_OPEN_MODELS:
                    raise EyespotError(Kind.EXHAUSTED, f"{MAX_OPEN_MODELS} models are open already.", "Close one.")
                package = ModelPackage.load(self.folder / wanted.package)
                shared = SharedModel(wanted.package, partial(self._open_best, package, wanted))
                model = self._open[wanted] = OpenModel(wanted, package, shared, self._journal)
            model.users += 1
            return model

    def give_back(self, model: OpenModel) -> bool:
        """One user less; True when nobody has it any more: its lanes may close it."""
        with self._lock:
            model.users -= 1
            if model.users:
                return False
            self._open.pop(model.wanted, None)
            return True

    def _open_best(self, package: ModelPackage, wanted: Wanted) -> Session:
        """In a lane's thread."""
        found = choices(package, variant=wanted.variant or None, accelerator=wanted.accelerator or None)
        avoided = self._journal.avoided()
        left = [choice for choice in found if target_of(package, choice) not in avoided]
        if not left:
            raise unavailable(
                f"Every way to run model package {package.name} has crashed the inference process of late.",
                "They are tried again within the hour; see the log for what crashed.",
            )
        failures = []
        for choice in left:
            try:
                with self._journal.running(target_of(package, choice)):
                    return open_session(
                        package,
                        variant=choice.variant.name,
                        accelerator=choice.accelerator.name,
                        threads=wanted.threads,
                        size_px=wanted.size_px,
                    )
            except EyespotError as error:
                failures.append(error.what)
        raise invalid(f"No accelerator can run model package {package.name}: {' '.join(failures)[:1500]}")


def target_of(package: ModelPackage, choice: Choice) -> str:
    """How a target is written."""
    return f"{package.name}/{choice.variant.name}@{choice.accelerator.name}"
