"""The example in C, written from the documentation, sees the very pixels that Python sees."""

import asyncio
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from frames_rig import HEIGHT_PX, WIDTH_PX, running, until
from tree import ROOT

from eyespot.contracts import ring
from eyespot.media.decode import Decoder

SOURCE = ROOT / "examples" / "frame-reader-c" / "reader.c"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler here")
    program = tmp_path_factory.mktemp("c") / "reader"
    subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, SOURCE], check=True)
    return program


async def test_checksums_agree(tmp_path: Path, reader: Path) -> None:
    async with running(tmp_path) as rig:
        rig.grant({"name": "door", "width_px": WIDTH_PX, "height_px": HEIGHT_PX, "rate_hz": 60})
        rig.begin(60)
        command = str(reader), str(rig.door()), "door", "8"
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
        assert child.stderr is not None
        assert await child.stderr.readline() == b"view of yard, main\n"
        await until(lambda: rig.hub.status()["readers"])
        await rig.play(50)
        said, _ = await child.communicate()
        assert child.returncode == 0
        stream = rig.hub.format
        assert stream is not None
        decoder = Decoder(stream.video)
        frames = [frame for packet in rig.packets for frame in decoder.decode(packet)]
    truth = {frame.capture_ns: zlib.crc32(np.ascontiguousarray(frame.rgb(WIDTH_PX, HEIGHT_PX))) for frame in frames}
    lines = [line.split() for line in said.decode().splitlines()]
    assert len(lines) == 8
    assert [int(crc, 16) for *_, crc in lines] == [truth[int(capture_ns)] for _, capture_ns, *_ in lines]
    assert {size for _, _, size, _, _ in lines} == {f"{WIDTH_PX}x{HEIGHT_PX}"}


async def test_a_refusal_is_said(tmp_path: Path, reader: Path) -> None:
    async with running(tmp_path) as rig:
        rig.grant({"name": "door"})
        command = str(reader), str(rig.door()), "attic", "1"
        child = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        _, said = await child.communicate()
    assert child.returncode == 1
    assert b"No view of that name is granted" in said


def test_the_documented_offsets_are_the_layouts_own() -> None:
    """Every field of the tables in the guide is where the struct formats put it."""
    guide = (ROOT / "docs" / "guide" / "frames.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]*) \|", guide, re.MULTILINE)
    told = [(int(at), name) for at, names in found for name in re.findall(r"`(\w+)`", names)[:1]]
    begins = [place for place, (at, _) in enumerate(told) if at == 0]
    header, slot, entry = (told[a:b] for a, b in zip(begins, [*begins[1:], len(told)], strict=True))
    changing = {"newest": ring.NEWEST_OFFSET, "closed": ring.CLOSED_OFFSET}
    for table, fields, layout in (
        (header, ring.HEADER_FIELDS, ring.HEADER),
        (slot, ring.SLOT_FIELDS, ring.SLOT_HEADER),
        (entry, ring.OBJECT_FIELDS, ring.OBJECT),
    ):
        places = {**field_offsets(layout.format, fields), **(changing if table is header else {})}
        assert {name: at for at, name in table} == {name: places[name] for _, name in table}
        assert len(table) >= 5


def field_offsets(layout: str, fields: tuple[str, ...]) -> dict[str, int]:
    """Where each field of a little-endian ``struct`` format begins."""
    offsets, at, names = {}, 0, iter(fields)
    for count, code in re.findall(r"(\d*)([a-zA-Z])", layout):
        for _ in range(1 if code in "sx" else int(count or 1)):
            size = struct.calcsize(f"<{count}{code}" if code in "sx" else f"<{code}")
            if code != "x":
                offsets[next(names)] = at
            at += size
    return offsets
