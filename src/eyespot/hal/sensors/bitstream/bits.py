"""Reading bits and Exp-Golomb codes from a NAL unit's payload."""

from eyespot.kernel.errors import corrupt

MAX_PARAMETER_SET_BYTES = 4096


def unescape(nal: bytes) -> bytes:
    """``nal`` without its emulation prevention bytes (H.264 7.4.1, H.265 7.4.2)."""
    return nal.replace(b"\x00\x00\x03", b"\x00\x00")


class BitReader:
    """Reads most significant bit first. Reading past the end raises ``CORRUPT``."""

    def __init__(self, data: bytes) -> None:
        if len(data) > MAX_PARAMETER_SET_BYTES:
            raise corrupt(f"A parameter set of {len(data)} bytes; at most {MAX_PARAMETER_SET_BYTES} are allowed.")
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    @property
    def left_bits(self) -> int:
        """How many bits have not been read."""
        return self._left

    def u(self, bits: int) -> int:
        """An unsigned number of ``bits`` bits."""
        self._left -= bits
        if self._left < 0:
            raise corrupt("A parameter set ends too early.")
        return (self._value >> self._left) & ((1 << bits) - 1)

    def flag(self) -> bool:
        """One bit."""
        return self.u(1) == 1

    def skip(self, bits: int) -> None:
        """Pass over ``bits`` bits."""
        self.u(bits)

    def ue(self) -> int:
        """An unsigned Exp-Golomb code of at most 32 bits (H.264 9.1)."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > 31:
                raise corrupt("A parameter set has an Exp-Golomb code of more than 32 bits.")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """A signed Exp-Golomb code (H.264 9.1.1)."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)
