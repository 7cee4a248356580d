"""The folder of a new service, that works as it is: manifest, code, a test, and a page that says how to go on."""

from pathlib import Path
from string import Template

from eyespot.contracts.service import MANIFEST_FILE, MAX_NAME_CHARS, RESERVED
from eyespot.edge.apps_dev.expectations import TESTS_FOLDER
from eyespot.kernel.errors import EyespotError, Kind, invalid
from eyespot.kernel.ids import is_slug

_MANIFEST = """\
[service]
name = "$name"                    # unique on a camera
version = "0.1.0"
title = "$title"
summary = "Says when the picture becomes dark, and when it is bright again."
python = "app:App"

[[view]]                          # what it wants to see; the least that does
name = "scene"
pixels = "grey"
width_px = 64
height_px = 36
rate_hz = 2.0

[permissions]
emit = ["dark"]

[budget]
cpu = 0.25
memory_mb = 128

[config]
type = "object"

[config.properties.dark_below]
type = "integer"
title = "Dark below this brightness (0 to 255)"
minimum = 1
maximum = 254
default = 40
"""
_CODE = '''\
"""Says when the picture becomes dark, and when it is bright again. Change it to what you need."""

from eyespot.sdk import Service


class App(Service):
    def on_start(self):
        self.began_ns = 0
        self.event = ""

    def on_frame(self, view, frame):
        brightness = float(frame.pixels.mean())
        is_dark = brightness < self.settings.dark_below
        self.state(brightness=round(brightness), dark=is_dark)
        if is_dark and not self.event:
            self.began_ns = frame.stamp.wall_ns
            self.event = self.emit("dark", start_wall_ns=self.began_ns)
        elif self.event and not is_dark:
            self.emit("dark", event_id=self.event, start_wall_ns=self.began_ns, end_wall_ns=frame.stamp.wall_ns)
            self.event = ""
'''
_README = """\
# $title

A service for Eyespot. `service.toml` says what it may see, say and use; `app.py` is what it does; `tests` is
what it should say of which footage. How to go on is in Eyespot's docs/guide/apps.md.
"""
_TEST = """\
# eyespot app test replays this footage and compares what the service says with what is expected here.
footage = "synthetic:"            # or "sample", or a file beside this one
seconds = 4
settings = { dark_below = 254 }   # brighter than the scene is

[[event]]
kind = "dark"
to_s = 1
"""
_FILES = {MANIFEST_FILE: _MANIFEST, "app.py": _CODE, "README.md": _README, "tests/dark.toml": _TEST}


def scaffold(name: str, parent: Path) -> Path:
    """Write the folder ``name`` in ``parent`` and return it; nothing that exists is touched.

    Raises:
        EyespotError: ``INVALID`` for a name that no service can have, ``CONFLICT`` when the folder exists,
            ``UNAVAILABLE`` when it cannot be written.
    """
    if not is_slug(name) or len(name) > MAX_NAME_CHARS or name.startswith(RESERVED):
        raise invalid(
            f"'{name[:40]}' is not a name for a service.",
            f"Give at most {MAX_NAME_CHARS} of a-z, 0-9, - and _, not {RESERVED}...",
        )
    folder = parent / name
    words = {"name": name, "title": name.replace("-", " ").replace("_", " ").capitalize()}
    try:
        folder.mkdir(parents=True)
        (folder / TESTS_FOLDER).mkdir()
        for file, text in _FILES.items():
            (folder / file).write_text(Template(text).substitute(words), encoding="utf-8")
    except FileExistsError as error:
        raise EyespotError(Kind.CONFLICT, f"{folder} exists already.", "Choose another name.") from error
    except OSError as error:
        raise EyespotError(Kind.UNAVAILABLE, f"{folder} cannot be written: {error.strerror}.") from error
    return folder
