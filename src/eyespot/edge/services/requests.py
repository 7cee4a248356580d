"""What the services process is asked on its control subject: the output of a service, or how it is now. JSON."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from eyespot.kernel.errors import invalid

_TODO = 'Send {"logs": NAME} or {"status": NAME}.'


class Requests:
    """Answers requests.

    Args:
        logs: the newest lines of a service.
        status: how every service is, by name; JSON-ready.
    """

    def __init__(self, logs: Callable[[str], Sequence[str]], status: Callable[[], dict[str, Any]]) -> None:
        self._logs, self._status = logs, status

    async def answer(self, request: bytes) -> bytes:
        """``{"logs": name}`` → ``{"lines"}``, ``{"status": name}`` → ``{"status"}``, null for one that is not kept.

        Raises ``INVALID`` for anything else.
        """
        try:
            [(verb, name)] = json.loads(request).items()
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise invalid("The request does not parse.", _TODO) from error
        if verb == "logs":
            return json.dumps({"lines": self._logs(str(name))}).encode()
        if verb == "status":
            return json.dumps({"status": self._status().get(str(name))}).encode()
        raise invalid(f"There is no request '{str(verb)[:32]}'.", _TODO)
