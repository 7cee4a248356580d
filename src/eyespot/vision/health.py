"""Scene health: does the camera still see what it is meant to see?

Works on small grey images, about one a second. Judges against the camera's own history: a reference of where the
scene has edges and how sharp it usually is, learned slowly while all is well. A finding must last before it starts, and
be gone for a while before it ends. Owns the picture's health alone; lost signals and storage are other rooms' findings.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from eyespot.kernel.clock import NS_PER_S, from_seconds
from eyespot.kernel.config import Settings
from eyespot.vision.view import View, likeness, shift_between, view_of

Grey = NDArray[np.uint8]
PictureKind = Literal["blind", "covered", "moved", "frozen", "blurred"]
KINDS: tuple[PictureKind, ...] = ("blind", "covered", "moved", "frozen", "blurred")


class HealthSettings(Settings):
    """Thresholds, relative to the camera's own history wherever there is one."""

    learn_s: float = Field(default=10.0, gt=0, le=3600)
    """Healthy pictures are gathered so long before anything is judged against them."""
    memory_s: float = Field(default=600.0, gt=0, le=86_400)
    """Time constant with which the reference follows the scene."""
    dark_level: float = Field(default=24.0, ge=0, le=255)
    """Blind: nineteen pixels of twenty are darker than this."""
    cover_detail: float = Field(default=0.35, gt=0, lt=1)
    """Covered: this share of the usual detail, at most, is left, and what the picture showed is not there any more."""
    blur_detail: float = Field(default=0.5, gt=0, lt=1)
    """Blurred: this share of the usual fine detail, at most, is left, while large shapes are where they were."""
    moved_likeness: float = Field(default=0.35, gt=0, lt=1)
    """Moved: edges agree with the reference less than this."""
    start_s: float = Field(default=4.0, ge=0, le=600)
    """A finding starts once it has lasted so long."""
    frozen_s: float = Field(default=10.0, gt=0, le=600)
    """The same for identical pictures."""
    end_s: float = Field(default=3.0, ge=0, le=600)
    """A finding ends once it has been gone so long."""
    accept_s: float = Field(default=120.0, gt=0, le=86_400)
    """A new view that has been steady so long becomes the reference, which ends *moved*."""


@dataclass(frozen=True, slots=True)
class HealthUpdate:
    """A finding starts or ends.

    Attributes:
        start_ns: when it was first seen; ``end_ns`` when it was gone, None at the start.
        detail: what was measured, JSON-ready.
    """

    kind: PictureKind
    phase: Literal["start", "end"]
    start_ns: int
    end_ns: int | None
    detail: dict[str, Any]


@dataclass(slots=True)
class _Finding:
    """One kind's state: on or off, and since when the opposite has been seen."""

    on: bool = False
    doubt_ns: int | None = None
    start_ns: int = 0
    detail: dict[str, Any] = field(default_factory=dict)


class SceneHealth:
    """The health of one camera's picture. A change of image size makes it learn anew."""

    def __init__(self, settings: HealthSettings | None = None) -> None:
        self.settings = settings or HealthSettings()
        self._findings: dict[PictureKind, _Finding] = {kind: _Finding() for kind in KINDS}
        self._reference: View | None = None
        self._recent: View | None = None
        self._learned_s = 0.0
        self._last_grey: Grey | None = None
        self._last_ns = 0
        self._alive_share = 0.0

    @property
    def active(self) -> dict[PictureKind, int]:
        """Findings that last, and since when (capture time)."""
        return {kind: finding.start_ns for kind, finding in self._findings.items() if finding.on}

    def update(self, grey: Grey, capture_ns: int) -> list[HealthUpdate]:
        """Look at the next ``(H, W)`` uint8 image, at least 32 pixels each way; what starts or ends now."""
        last = self._last_grey
        if last is not None and last.shape != grey.shape:
            self._reference = self._recent = last = None
            self._learned_s = 0.0
        dt_s = 0.0 if last is None else min(30.0, max(0.0, (capture_ns - self._last_ns) / NS_PER_S))
        same = last is not None and np.array_equal(last, grey)
        self._last_grey, self._last_ns = grey.copy(), max(capture_ns, self._last_ns)
        signs = self._signs(grey, dt_s, same=same)
        updates = [step for kind in KINDS if (step := self._settle(kind, signs.get(kind), capture_ns))]
        self._learn(signs, dt_s, capture_ns)
        return updates

    def _signs(self, grey: Grey, dt_s: float, *, same: bool) -> dict[PictureKind, dict[str, Any]]:
        """What this one picture suggests, and what was measured."""
        signs: dict[PictureKind, dict[str, Any]] = {}
        if same and self._alive_share > 0.5:
            signs["frozen"] = {}
        if dt_s > 0.0 and not self._findings["frozen"].on:
            self._alive_share += (1.0 - np.exp(-dt_s / 60.0)) * (float(not same) - self._alive_share)
        now = view_of(grey)
        if self._recent is None:
            self._alive_share = 0.45
        self._recent = now if self._recent is None else self._recent.towards(now, 1.0 - float(np.exp(-dt_s / 2.0)))
        if now.bright < self.settings.dark_level:
            signs["blind"] = {"level": round(now.bright, 1)}
        elif self._reference is None or self._learned_s < self.settings.learn_s:
            if now.detail < 0.3 and now.contrast < 2.5:
                signs["covered"] = {"detail": round(now.detail, 2)}
        else:
            signs.update(self._compare(self._reference, now, self._recent))
        return signs

    def _compare(self, reference: View, now: View, recent: View) -> dict[PictureKind, dict[str, Any]]:
        """At most one finding. Edges are compared over a few pictures, so that objects walking by do not count."""
        settings = self.settings
        detail = now.detail / max(reference.detail, 0.1)
        light = min(1.0, now.contrast / max(reference.contrast, 0.1))
        fine = now.fine / max(reference.fine, 0.1) / max(light, 0.05)
        shapes = likeness(reference.shapes, now.shapes)
        edges = likeness(reference.edges, recent.edges)
        if detail < settings.cover_detail and shapes < 0.6:
            return {"covered": {"detail": round(detail, 2)}}
        if fine < settings.blur_detail * (1.2 if self._findings["blurred"].on else 1.0) and shapes > 0.7:
            return {"blurred": {"detail": round(fine, 2)}}
        if edges < settings.moved_likeness * (1.3 if self._findings["moved"].on else 1.0):
            dx, dy = shift_between(reference.edges, recent.edges)
            return {"moved": {"likeness": round(edges, 2), "shift": [round(dx, 3), round(dy, 3)]}}
        return {}

    def _settle(self, kind: PictureKind, sign: dict[str, Any] | None, at_ns: int) -> HealthUpdate | None:
        finding = self._findings[kind]
        if (sign is not None) == finding.on:
            finding.doubt_ns = None
            return None
        if finding.doubt_ns is None:
            finding.doubt_ns = at_ns
        settings = self.settings
        lasting_s = settings.end_s if finding.on else settings.frozen_s if kind == "frozen" else settings.start_s
        if at_ns - finding.doubt_ns < from_seconds(lasting_s):
            return None
        since_ns, finding.doubt_ns = finding.doubt_ns, None
        finding.on = not finding.on
        if finding.on:
            finding.start_ns, finding.detail = since_ns, sign or {}
            return HealthUpdate(kind, "start", since_ns, None, finding.detail)
        return HealthUpdate(kind, "end", finding.start_ns, since_ns, finding.detail)

    def _learn(self, signs: dict[PictureKind, dict[str, Any]], dt_s: float, at_ns: int) -> None:
        """Let the reference follow while all is well; take over a new view that has been steady for long."""
        if self._recent is None:
            return
        moved = self._findings["moved"]
        if moved.on and at_ns - moved.start_ns > from_seconds(self.settings.accept_s):
            self._reference, self._learned_s = self._recent, self.settings.learn_s
            return
        if signs:
            return
        if self._reference is None:
            self._reference = self._recent
        memory_s = min(self.settings.memory_s, max(1.0, self._learned_s))
        self._reference = self._reference.towards(self._recent, 1.0 - float(np.exp(-dt_s / memory_s)))
        self._learned_s = min(self._learned_s + dt_s, self.settings.memory_s)
