"""An output without a wire: rules and switches can be tried on a machine that has no relay."""

from collections import deque

from eyespot.kernel.errors import unavailable

HISTORY = 256


class SimulatedOutput:
    """Keeps the contract of ``contract.Output``.

    Attributes:
        history: the states that its wire has had, the newest last, at most ``HISTORY``.
        is_gone: set it to play a board that stopped answering.
    """

    def __init__(self, name: str = "relay", *, rest: bool = False) -> None:
        self.name = name
        self.history: deque[bool] = deque((rest,), maxlen=HISTORY)
        self.is_gone = False
        self._rest = rest
        self._is_open = True

    def state(self) -> bool:
        """See ``contract.Output``."""
        self._check()
        return self.history[-1]

    def switch(self, *, on: bool) -> None:
        """See ``contract.Output``."""
        self._check()
        self.history.append(on)

    def close(self) -> None:
        """See ``contract.Output``."""
        if self._is_open and not self.is_gone:
            self.history.append(self._rest)
        self._is_open = False

    def _check(self) -> None:
        if self.is_gone or not self._is_open:
            raise unavailable(f"Output {self.name} does not answer or is closed.")
