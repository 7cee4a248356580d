"""From an H.264 stream to a reader in another process, bit for bit."""

import asyncio
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from frames_rig import HEIGHT_PX, WIDTH_PX, Rig, running, until

from eyespot.contracts.packet import Packet
from eyespot.kernel.config import inherited_env
from eyespot.media.decode import Decoder

READER = """
import json, sys, zlib
from pathlib import Path
from eyespot.sdk.view_client import ViewClient
client = ViewClient(Path(sys.argv[1]), sys.argv[2])
print("ready", flush=True)
count = 0
while count < int(sys.argv[3]):
    client.wait(60)
    frame = client.take()
    if frame is not None:
        count += 1
        said = [frame.seq, frame.stamp.capture_ns, list(frame.pixels.shape), zlib.crc32(frame.pixels)]
        print(json.dumps(said), flush=True)
"""


async def read_elsewhere(rig: Rig, view: str, frames: int) -> list[list[Any]]:
    """What a reader in a process of its own sees while the camera plays."""
    command = sys.executable, "-c", READER, str(rig.door()), view, str(frames)
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=inherited_env())
    assert child.stdout is not None
    assert await child.stdout.readline() == b"ready\n"
    await until(lambda: rig.hub.status()["readers"])
    await rig.play(frames * 3)
    lines = (await child.stdout.read()).decode().splitlines()
    assert await child.wait() == 0
    return [json.loads(line) for line in lines]


def checksums(rig: Rig) -> dict[int, int]:
    """By capture time: the CRC-32 of what a plain decoder makes of the same packets."""
    stream = rig.hub.format
    assert stream is not None
    decoder = Decoder(stream.video)
    packets: list[Packet] = rig.packets
    frames = [frame for packet in packets for frame in decoder.decode(packet)]
    return {frame.capture_ns: zlib.crc32(np.ascontiguousarray(frame.rgb(WIDTH_PX, HEIGHT_PX))) for frame in frames}


async def test_a_reader_in_another_process_sees_the_very_pixels(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.grant({"name": "door", "width_px": WIDTH_PX, "height_px": HEIGHT_PX, "rate_hz": 60})
        rig.begin(60)
        seen = await read_elsewhere(rig, "door", 10)
        truth = checksums(rig)
    assert [shape for _, _, shape, _ in seen] == [[HEIGHT_PX, WIDTH_PX, 3]] * 10
    assert len({crc for *_, crc in seen}) == 10
    assert [crc for *_, crc in seen] == [truth[capture_ns] for _, capture_ns, _, _ in seen]
