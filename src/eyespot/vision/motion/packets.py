"""The packet gate: does anything move, judged by the sizes of compressed packets alone.

An encoder spends bytes on what changes, so a person who walks into a still scene makes the frames between key frames
larger. While vision believes the scene is quiet it needs to decode key frames only; this gate wakes it in between.
The baseline is learned only from packets that vision knows to be quiet. An encoder at constant bit rate hides activity:
vision reports each time the pixels showed motion that the sizes did not, and the gate then stops vouching for quiet.
"""

import math

from pydantic import Field

from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.config import Settings


class PacketGateSettings(Settings):
    """How sensitive the gate is."""

    smooth_s: float = Field(default=0.35, gt=0, le=10)
    """Sizes are averaged over about this long."""
    learn_s: float = Field(default=20.0, gt=0, le=3600)
    """Time constant of the baseline."""
    warm_s: float = Field(default=5.0, gt=0, le=600)
    """Quiet time the baseline needs before the gate may say *quiet*."""
    least_ratio: float = Field(default=1.15, gt=1, le=10)
    """Averaged sizes below this many baselines are always quiet."""
    noise_factor: float = Field(default=5.0, gt=0, le=100)
    """And above, they must exceed their usual deviation so many times."""
    least_bytes: int = Field(default=96, ge=0, le=1_000_000)
    """Smaller rises than this a frame are never activity."""
    misses: float = Field(default=2.0, gt=0, le=100)
    """So many recent misses make the gate give up vouching."""
    forgive_s: float = Field(default=600.0, gt=0, le=86_400)
    """Time constant with which misses are forgotten."""


class PacketGate:
    """The gate of one stream."""

    def __init__(self, settings: PacketGateSettings | None = None) -> None:
        self.settings = settings or PacketGateSettings()
        self._last_ns: int | None = None
        self._average = 0.0
        self._weight = 0.0
        self._base = 0.0
        self._deviation = 0.1
        self._known_s = 0.0
        self._misses = 0.0

    @property
    def is_trusted(self) -> bool:
        """Whether the baseline is known and sizes have been telling."""
        return self._known_s >= self.settings.warm_s and self._misses < self.settings.misses

    def missed(self) -> None:
        """Pixels of a key frame showed motion while this gate said quiet."""
        self._misses += 1.0

    def update(self, size_bytes: int, capture_ns: int, *, is_key: bool, quiet: bool) -> bool:
        """Take note of the next video packet; True when vision should decode.

        Args:
            size_bytes: size of the packet.
            capture_ns: its capture time.
            is_key: key frames say nothing about motion and are passed over.
            quiet: whether vision believes that nothing moves now; only then is the baseline learned.
        """
        dt_s = 0.0 if self._last_ns is None else max(0.0, (capture_ns - self._last_ns) / NS_PER_S)
        self._last_ns = capture_ns
        self._misses *= math.exp(-dt_s / self.settings.forgive_s)
        if is_key:
            return not (quiet and self.is_trusted)
        keep = math.exp(-dt_s / self.settings.smooth_s)
        self._average = self._average * keep + size_bytes * (1.0 - keep)
        self._weight = self._weight * keep + (1.0 - keep)
        if self._weight <= 0.0:
            return True
        level = self._average / self._weight
        rises = self._rises(level)
        if quiet and not (rises and self.is_trusted):
            self._learn(level, dt_s)
        return rises or not quiet or not self.is_trusted

    def _rises(self, level_bytes: float) -> bool:
        if self._base <= 0.0:
            return False
        settings = self.settings
        limit = max(math.log(settings.least_ratio), settings.noise_factor * self._deviation)
        return level_bytes - self._base > settings.least_bytes and math.log(level_bytes / self._base) > limit

    def _learn(self, level_bytes: float, dt_s: float) -> None:
        self._known_s += dt_s
        if self._base <= 0.0:
            self._base = max(1.0, level_bytes)
            return
        # Quick at first, so that a first guess does not linger.
        share = 1.0 - math.exp(-dt_s / min(self.settings.learn_s, max(0.5, self._known_s)))
        off = math.log(max(1.0, level_bytes) / self._base)
        self._base *= math.exp(share * off)
        self._deviation += share * (min(abs(off), 0.2) - self._deviation)
