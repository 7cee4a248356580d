"""Real engines on this machine, and launches for them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eyespot.edge.services.engines.container import ContainerEngine
from eyespot.edge.services.engines.contract import Budget, Engine, Launch, UidRange
from eyespot.edge.services.engines.process import ProcessEngine
from eyespot.kernel.clock import SystemClock

ENGINES: dict[str, Callable[[], Engine]] = {
    "process": lambda: ProcessEngine(SystemClock()),
    "container": lambda: ContainerEngine(SystemClock(), f"test-{os.getpid()}"),
}
SMALL = Budget(cpu=1.0, memory_mb=64, disk_mb=8, pids=32, log_kb_per_min=64)
Launcher = Callable[..., Launch]


@pytest.fixture(scope="session", params=list(ENGINES))
def made_engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    engine = ENGINES[request.param]()
    yield engine
    engine.close()


@pytest.fixture
async def engine(made_engine: Engine) -> Engine:
    """Each confined engine that works here."""
    answer = await made_engine.available()
    if not answer.works:
        pytest.skip(f"{made_engine.name}: {answer.what} {answer.todo}")
    return made_engine


@pytest.fixture
def launch(tmp_path: Path) -> Launcher:
    """A launch of ``python3 /app/main.py`` with the given text; each name has folders and users of its own."""
    names: list[str] = []

    def prepare(text: str, name: str = "one", *, budget: Budget = SMALL, **more: object) -> Launch:
        if name not in names:
            names.append(name)
        home = tmp_path / name
        for folder in ("code", "run"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        (home / "code" / "main.py").write_text(text)
        uids = UidRange(400_000_000 + 65_536 * names.index(name))
        command = ("python3", "main.py")
        return Launch(name, command, home / "code", home / "scratch", home / "run", budget, uids, **more)  # type: ignore[arg-type]

    return prepare
