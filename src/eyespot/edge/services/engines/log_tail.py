"""The newest output of one service, with a bound on memory and on the rate. Nothing here ever makes the writer wait."""

from collections import deque

from eyespot.kernel.clock import NS_PER_S, Clock

TAIL_LINES, MAX_LINE_BYTES = 400, 2000
_WINDOW_NS = 60 * NS_PER_S


class LogTail:
    """Lines as they come, newest last; bytes above the budget of a minute are dropped and counted.

    Args:
        kb_per_min: budget in 2^10 bytes for each minute, counted from the first byte after the last minute ended.

    Attributes:
        taken: whole lines since the beginning, those that are no longer kept included.
    """

    def __init__(self, kb_per_min: int, clock: Clock) -> None:
        self._budget_bytes = kb_per_min * 1024
        self._clock = clock
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)
        self._part = bytearray()
        self._window_ns = clock.monotonic_ns()
        self._spent_bytes = 0
        self.taken = 0
        self.kept_bytes = 0
        self.dropped_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take output as it comes, in pieces of any size."""
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._window_ns >= _WINDOW_NS:
            self._window_ns, self._spent_bytes = now_ns, 0
        room = max(0, self._budget_bytes - self._spent_bytes)
        kept = data[:room]
        self._spent_bytes += len(kept)
        self.kept_bytes += len(kept)
        self.dropped_bytes += len(data) - len(kept)
        for byte_line in (self._part + kept).splitlines(keepends=True):
            self._part = bytearray()
            self._take(byte_line)

    def close(self) -> None:
        """The output ended: an unfinished line counts as one."""
        if self._part:
            self._add(bytes(self._part))
            self._part = bytearray()

    def lines(self) -> list[str]:
        """The newest lines, oldest first, without what could steer a terminal."""
        return list(self._lines)

    def since(self, taken: int) -> list[str]:
        """The lines that came after the first ``taken`` (see the attribute), as far as they are still here."""
        new = min(self.taken - taken, len(self._lines))
        return list(self._lines)[len(self._lines) - new :] if new > 0 else []

    def _take(self, line: bytes | bytearray) -> None:
        if line.endswith((b"\n", b"\r")) or len(line) > MAX_LINE_BYTES:
            self._add(bytes(line))
        else:
            self._part = bytearray(line)

    def _add(self, line: bytes) -> None:
        text = line[:MAX_LINE_BYTES].rstrip(b"\r\n").decode("utf-8", "replace")
        self.taken += 1
        self._lines.append("".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in text))
