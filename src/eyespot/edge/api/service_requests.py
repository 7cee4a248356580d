"""Requests to services and what they answer: bounded, and nothing that they say is believed to be ours."""

import json
from typing import Any

from eyespot.bus import subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.service import Manifest
from eyespot.contracts.settings_schema import check_settings
from eyespot.kernel.errors import EyespotError, Kind, not_found, unavailable

ANSWER_S = 10.0
MAX_ANSWER_BYTES = 256 << 10
_TOLD = {Kind.INVALID, Kind.NOT_FOUND, Kind.CONFLICT, Kind.TOO_LARGE, Kind.THROTTLED, Kind.UNAVAILABLE, Kind.EXHAUSTED}
"""Kinds that a service may answer with; another would pass for an error of the camera's own."""


async def ask_service(bus: Bus, manifest: Manifest, verb: str, values: dict[str, Any]) -> Any:
    """What the service answers to a control that its manifest names.

    Raises ``NOT_FOUND`` where it names none, ``INVALID`` by the control's schema, ``UNAVAILABLE``, and the kinds of
    error that a service may answer with.
    """
    name = manifest.service.name
    control = next((one for one in manifest.control if one.verb == verb), None)
    if control is None:
        raise not_found(f"{name} has no control '{verb[:64]}'.", "Its page lists them.")
    body = json.dumps(check_settings(control.input, values)).encode()
    try:
        answer = await bus.request(subjects.service_request(name, verb), body, ANSWER_S)
    except EyespotError as error:
        kind = error.kind if error.kind in _TOLD else Kind.UNAVAILABLE
        raise EyespotError(kind, error.what[:500] or "It answered with an error.", error.todo[:500]) from error
    return _plain(name, answer)


def _plain(name: str, answer: bytes) -> Any:
    if len(answer) > MAX_ANSWER_BYTES:
        raise unavailable(f"{name} answered with more than {MAX_ANSWER_BYTES >> 10} kB.", "Tell its maker.")
    try:
        found = json.loads(answer) if answer else None
        json.dumps(found, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise unavailable(f"{name} answered with what is not JSON.", "Tell its maker.") from error
    return found
