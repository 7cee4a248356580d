"""A whole camera host on the sample clip, and a real Chromium to look at it with."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
PATIENCE_S = 90.0


@dataclass(frozen=True)
class Host:
    """A running `eyespot demo`."""

    url: str
    setup_link: str
    state: Path
    process: subprocess.Popen[bytes]


def wait_for(text: Path, pattern: str, process: subprocess.Popen[bytes]) -> str:
    """The first match of ``pattern`` in a growing log file."""
    for _ in range(int(PATIENCE_S * 10)):
        found = re.search(pattern, text.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found.group(0)
        assert process.poll() is None, text.read_text(encoding="utf-8", errors="replace")[-3000:]
        time.sleep(0.1)
    raise AssertionError(f"{pattern} never appeared in:\n{text.read_text(encoding='utf-8', errors='replace')[-3000:]}")


@pytest.fixture(scope="session")
def host(sample_avi: Path, model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The demo as a person starts it, on a free port and a fresh state folder."""
    assert model_dir.is_dir()
    state = tmp_path_factory.mktemp("host") / "state"
    log = state.parent / "log.txt"
    command = [
        sys.executable,
        "-m",
        "eyespot.cli.main",
        "demo",
        "--source",
        str(sample_avi),
        "--state",
        str(state),
        "--port",
        "0",
    ]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    try:
        link = wait_for(log, r"https?://\S+/setup#\S+", process)
        yield Host(link.partition("/setup#")[0], link, state, process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def page(browser: Browser, host: Host) -> Iterator[Page]:
    """One person's window, from the set-up link on: the tests of a module walk through the product in order."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    window = context.new_page()
    window.set_default_timeout(PATIENCE_S * 1000)
    yield window
    context.close()
