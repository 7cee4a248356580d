"""Scene health: does the camera still see what it is meant to see?

Works on small grey images, one every second or two. Judges against the camera's own history: a background learned
slowly while all is well, block by block. A finding must last before it starts, and be gone for a while before it ends.
Owns the picture's health alone; lost signals and storage are other rooms' findings.
"""

import numpy as np

from eyespot.kernel.clock import NS_PER_S, from_seconds
from eyespot.vision.health.findings import KINDS, Finding, HealthUpdate, PictureKind, Sign
from eyespot.vision.health.liveliness import Liveliness
from eyespot.vision.health.picture import Floats, Grey, Picture, block_likeness, likeness, picture_of, quantile
from eyespot.vision.health.settings import HealthSettings
from eyespot.vision.health.shift import LEAST_SHIFT_PX, ShiftFinder
from eyespot.vision.health.view import Background, Difference

Signs = dict[PictureKind, Sign]
_SUSPICIOUS = 0.8
_SAME_SHAPES = 0.65
_STEADY = 0.6
_SAME_PLACE = 0.3
_NOTHING_LEFT = 0.9
_CANDIDATE_S = 10.0
_LONGEST_GAP_S = 30.0


class SceneHealth:
    """The health of one camera's picture. A change of image size makes it learn anew."""

    def __init__(self, settings: HealthSettings | None = None) -> None:
        self.settings = settings or HealthSettings()
        self._findings = {kind: Finding(kind) for kind in KINDS}
        self._liveliness = Liveliness(self.settings)
        self._last_ns = 0
        self._begin()

    def _begin(self) -> None:
        self._background = Background(self.settings.memory_s)
        self._shifts = ShiftFinder()
        self._previous: Picture | None = None
        self._candidate: Floats | None = None
        self._doubt_ns: int | None = None

    @property
    def active(self) -> dict[PictureKind, int]:
        """Findings that last, and since when (capture time)."""
        return {kind: finding.start_ns for kind, finding in self._findings.items() if finding.on}

    def update(self, grey: Grey, capture_ns: int, *, is_key: bool = True) -> list[HealthUpdate]:
        """Look at the next ``(H, W)`` uint8 image, at least 32 pixels each way; what starts or ends now.

        Args:
            is_key: it was decoded from a key frame, or was never encoded.
        """
        now, previous = picture_of(grey), self._previous
        if previous is not None and previous.image.shape != now.image.shape:
            self._begin()
            previous = None
        dt_s = 0.0 if previous is None else (capture_ns - self._last_ns) / NS_PER_S
        dt_s = min(_LONGEST_GAP_S, max(0.0, dt_s))
        self._last_ns = max(capture_ns, self._last_ns)
        alike = None if self._background.picture is None else self._background.alike(now)
        signs = self._signs(now, grey, alike)
        if signs:
            self._liveliness.forget()
        still, level = self._findings["frozen"].on, float(now.shapes.mean())
        still_ns = self._liveliness.update(grey, capture_ns, level, is_key=is_key, still=still)
        if still_ns is not None:
            signs["frozen"] = Sign({}, 0.0, still_ns)
        updates = [self._findings[kind].settle(signs.get(kind), capture_ns, self.settings.end_s) for kind in KINDS]
        self._learn(now, alike, signs, dt_s, capture_ns)
        self._previous = now
        return [update for update in updates if update is not None]

    def _signs(self, now: Picture, grey: Grey, alike: Floats | None) -> Signs:
        """What this one picture suggests; at most one thing."""
        settings = self.settings
        part = grey[::2, ::2]
        if np.count_nonzero(part >= settings.dark_level) < part.size // 20:
            return {"blind": Sign({"level": round(float(part.mean()), 1)}, settings.start_s)}
        if alike is None or self._background.learned_s < settings.learn_s:
            flat = float(now.energy.mean()) < 1.0 and now.contrast < 2.5
            return {"covered": Sign({"detail": 0.0}, settings.start_s)} if flat else {}
        difference = self._background.difference(now, self._previous, alike)
        return {} if difference is None else self._compare(now, difference)

    def _compare(self, now: Picture, difference: Difference) -> Signs:
        settings, known = self.settings, difference
        lost = float((known.alike < settings.block_likeness).mean())
        detail, fine = quantile(known.detail, 0.75), quantile(known.fine, 0.75)
        if detail < settings.cover_detail and lost > settings.hidden_share and known.shapes < _SAME_SHAPES:
            return {"covered": Sign({"detail": round(detail, 2)}, settings.start_s)}
        if self._is_blurred(known, fine):
            return {"blurred": Sign({"detail": round(fine, 2)}, settings.start_s)}
        if quantile(known.alike, 0.5) < _SUSPICIOUS:
            self._doubt_ns = self._last_ns if self._doubt_ns is None else self._doubt_ns
            return self._elsewhere(now, lost, fine)
        self._doubt_ns = None
        return {}

    def _is_blurred(self, known: Difference, fine: float) -> bool:
        """By day only: less light leaves less detail, and noise reduction takes what is left."""
        limit = self.settings.blur_detail * (1.2 if self._findings["blurred"].on else 1.0)
        return fine < limit * min(1.0, known.light) and known.light > 0.5 and known.shapes > _SAME_SHAPES

    def _elsewhere(self, now: Picture, lost: float, fine: float) -> Signs:
        """The background is not where it was: is it elsewhere in the picture, or is another view in its place?"""
        settings, background = self.settings, self._background.picture
        assert background is not None
        width, height = now.image.shape[1], now.image.shape[0]
        shift = self._shifts.find(background, now, max(LEAST_SHIFT_PX, settings.least_shift * width))
        if shift is not None:
            moved = {"shift": [round(shift[0] / width, 3), round(shift[1] / height, 3)]}
            return {"moved": Sign(moved, settings.start_s)}
        if lost < settings.hidden_share or not self._is_another_view(now, background):
            return {}
        share = {"hidden": round(lost, 2)}
        if lost < _NOTHING_LEFT or fine < settings.blur_detail:
            return {"covered": Sign(share, settings.view_s)}
        return {"moved": Sign(share, settings.view_s)}

    def _is_another_view(self, now: Picture, background: Picture) -> bool:
        """Steady from look to look, and not the old view in another light, whose edges stay where they are."""
        if self._previous is None:
            return False
        steady = block_likeness(self._previous.gradient, now.gradient)
        if quantile(steady, 0.5) < _STEADY:
            return False
        return _edges_alike(background, now) < _SAME_PLACE

    def _learn(self, now: Picture, alike: Floats | None, signs: Signs, dt_s: float, at_ns: int) -> None:
        """Let the background follow while all is well; take over a new view that has been there for long."""
        if not signs:
            self._candidate = None
            if not self._is_in_doubt(at_ns):
                self._background.learn(now, alike, dt_s)
            return
        if self._candidate is None:
            self._candidate = now.image
        share = np.float32(1.0 - np.exp(-dt_s / _CANDIDATE_S))
        self._candidate = self._candidate + share * (now.image - self._candidate)
        if self._is_accepted(signs, at_ns):
            self._background = Background(self.settings.memory_s)
            self._background.picture = Picture(self._candidate)

    def _is_in_doubt(self, at_ns: int) -> bool:
        """Much is other than it was and nothing explains it yet: wait, for a while, before learning from it."""
        return self._doubt_ns is not None and at_ns - self._doubt_ns < from_seconds(self.settings.view_s)

    def _is_accepted(self, signs: Signs, at_ns: int) -> bool:
        settings, moved, covered = self.settings, self._findings["moved"], self._findings["covered"]
        if moved.on and "moved" in signs:
            return at_ns - moved.start_ns > from_seconds(settings.accept_s)
        hidden = covered.on and "covered" in signs and "hidden" in signs["covered"].detail
        return hidden and at_ns - covered.start_ns > from_seconds(settings.accept_hidden_s)


def _edges_alike(a: Picture, b: Picture) -> float:
    """Likeness of the strengths of edges, whatever their sign: light from elsewhere turns bright edges dark."""
    strengths = [np.sqrt(p.gradient[0] ** 2 + p.gradient[1] ** 2) for p in (a, b)]
    first, second = (strength / (strength + np.float32(8.0)) for strength in strengths)
    return likeness(first, second)
