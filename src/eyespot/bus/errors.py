"""How an error of a handler travels back to the caller: kind, what and todo as JSON."""

import json
from typing import NoReturn

from eyespot.kernel.errors import EyespotError, Kind, corrupt


def error_document(error: EyespotError) -> dict[str, str]:
    """``error`` as JSON-ready values."""
    return {"kind": error.kind.name, "what": error.what, "todo": error.todo}


def raise_document(payload: bytes) -> NoReturn:
    """Raise the error that ``payload`` holds; ``CORRUPT`` when it holds none."""
    try:
        document = json.loads(payload)
        kind, what, todo = Kind[document["kind"]], str(document["what"]), str(document["todo"])
    except (ValueError, KeyError, TypeError) as error:
        raise corrupt("An answer on the bus is an error that does not parse.") from error
    raise EyespotError(kind, what, todo)
