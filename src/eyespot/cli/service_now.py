"""How a service is on a running host: what it used, and what was refused."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eyespot.kernel.errors import EyespotError

WAIT_S = 1.0
"""Patience with a host that may not run."""


def now_of(state: Path, name: str) -> dict[str, Any] | None:
    """What the services process says of it; None where no host answers, or it does not keep it."""
    try:
        return asyncio.run(_asked(state, name))
    except EyespotError:
        return None


def now_in_words(now: dict[str, Any]) -> Iterator[str]:
    """What it used of models, outputs, the network and the bus, and what was refused, a line each."""
    if (inference := now.get("inference")) is not None:
        for package, counted in inference["models"].items():
            planned = f"; the host's plan leaves it {counted['planned_hz']:g}/s now" if "planned_hz" in counted else ""
            yield f"Model {package}: ran {counted['runs']} times{planned}"
        yield f"Accelerator: {inference['run_s']:g} s of a share of {inference['share']:.0%}{_refused(inference)}"
    if (outputs := now.get("outputs", {})).get("switched") or outputs.get("refused"):
        yield f"Outputs: switched {outputs['switched']} times{_refused(outputs)}"
    if (network := now.get("network")) is not None:
        passed = f"{network['sent_bytes']} bytes out, {network['received_bytes']} in"
        yield f"Network: {network['made']} connections, {passed}; refused: {network['refused']}"
    if "bus" in now:
        yield f"Bus: {now['bus']['messages']} messages{_refused(now['bus'])}"
    if now.get("frames", {}).get("refused"):
        yield f"Frames{_refused(now['frames'])}"
    yield from _kernel(now.get("kernel", {}))


def _kernel(counted: dict[str, Any]) -> Iterator[str]:
    """What the kernel refused by itself, and whether that is known."""
    if counted.get("told") is False:
        yield "Refused by the kernel: not counted here (eyespot doctor says why)"
    elif counted.get("refused"):
        waited = f"; it was made to wait {counted['held_up']} times" if counted["held_up"] else ""
        yield f"Refused by the kernel: {', '.join(counted['refusals'])}{waited}"


def _refused(counted: dict[str, Any]) -> str:
    refused = counted["refused"]
    number = sum(refused.values()) if isinstance(refused, dict) else refused
    return f"; refused: {number}, the last: {counted['refusals'][-1]}" if number else ""


async def _asked(state: Path, name: str) -> dict[str, Any] | None:
    from eyespot.bus import subjects
    from eyespot.bus.nats import connect
    from eyespot.edge.layout import StateLayout

    bus = await connect(StateLayout(state.absolute()).run_dir, "operator", wait_s=WAIT_S)
    try:
        answer = await bus.request(subjects.control("services"), json.dumps({"status": name}).encode())
        found: dict[str, Any] | None = json.loads(answer)["status"]
        return found
    finally:
        await bus.close()
