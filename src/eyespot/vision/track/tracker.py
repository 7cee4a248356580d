"""The tracker: detections in, tracks with lasting ids out.

Association in two stages after ByteTrack (Zhang et al. 2022, arXiv:2110.06864): sure detections are matched first, then
the unsure ones carry on tracks that found none. It owns the book of tracks; the motion model is ``kalman``, the fit of
a pair ``affinity``, the choice of pairs ``assign``. No clock: time is the capture time of the detections.
"""

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.detections import Detections
from eyespot.kernel.clock import NS_PER_S
from eyespot.vision.track import kalman
from eyespot.vision.track.affinity import affinity
from eyespot.vision.track.assign import assign
from eyespot.vision.track.kalman import Floats
from eyespot.vision.track.settings import TrackerSettings
from eyespot.vision.track.tracks import ACTIVE, OCCLUDED, STATIONARY, Tracks, no_tracks

SCORE, SEEN_S, BORN_S, HITS, ANCHOR_X, ANCHOR_Y, ANCHOR_S, ID, LABEL, SURE = range(kalman.STATE_COLUMNS, 30)
COLUMNS = 30
LONGEST_STEP_S = 5.0
"""Prediction never reaches further than this at once; after a longer gap objects are looked for where they were."""
CALM_S = 0.7
"""Time constant with which an unseen object is assumed to slow down."""
SCORE_MEMORY_S = 0.5


class Tracker:
    """Follows the objects of one camera. Not thread-safe."""

    def __init__(self, settings: TrackerSettings | None = None) -> None:
        self.settings = settings or TrackerSettings()
        self._table: Floats = np.zeros((0, COLUMNS))
        self._next_id = 1
        self._start_ns = -1
        self._now_s = 0.0
        self._aspect = 1.0

    def update(self, detections: Detections) -> Tracks:
        """Match one frame's detections; a frame older than the one before counts as the same moment."""
        self._aspect = detections.aspect
        dt_s = self._advance(detections.capture_ns)
        table = self._table
        if len(table):
            unseen = (self._now_s - dt_s) - table[:, SEEN_S] > 1e-6
            calm = np.where(unseen, np.exp(-dt_s / CALM_S), 1.0)[:, None]
            kalman.predict(table, min(dt_s, LONGEST_STEP_S), calm)
        scores = detections.scores.astype(np.float64)
        measured = kalman.measurements(detections.boxes, detections.aspect)
        left = self._associate(measured, scores, detections.labels) if len(table) else np.arange(len(scores))
        self._forget()
        self._begin(measured, scores, detections.labels, left)
        return self._shown(detections.capture_ns)

    def coast(self, capture_ns: int) -> Tracks:
        """A frame without motion and so without inference: what was last seen is still there and stands still.

        Tracks already lost go on ageing.
        """
        before_s = self._now_s
        self._advance(capture_ns)
        table = self._table
        if len(table):
            here = table[:, SEEN_S] >= before_s - 1e-6
            here |= self._standing(before_s)
            table[here, SEEN_S] = self._now_s
            table[here, 4:8] = 0.0
            self._forget()
        return self._shown(capture_ns)

    def _advance(self, capture_ns: int) -> float:
        if self._start_ns < 0:
            self._start_ns = capture_ns
        now_s = (capture_ns - self._start_ns) / NS_PER_S
        dt_s = max(0.0, now_s - self._now_s)
        self._now_s = max(now_s, self._now_s)
        return dt_s

    def _standing(self, now_s: float) -> NDArray[np.bool_]:
        return self._table[:, ANCHOR_S] <= now_s - self.settings.stationary_s

    def _associate(self, measured: Floats, scores: Floats, labels: NDArray[np.int32]) -> NDArray[np.intp]:
        """Match tracks; returns the indices of sure detections that belong to no track."""
        table, settings = self._table, self.settings
        height = np.exp(table[:, 3:4])
        reach = height * (settings.gate_heights + np.minimum(2.0 * np.sqrt(table[:, 8:9]), 1.0))
        predicted = table[:, :4]
        gain = affinity(predicted, kalman.corners(predicted), reach, measured, kalman.corners(measured))
        if labels.size and (labels.max() != labels.min() or np.ptp(table[:, LABEL])):
            gain[table[:, LABEL, None] != labels] = 0.0
        high = scores >= settings.high_score
        sure = table[:, SURE] > 0
        first = gain * (high & sure[:, None])
        rows, cols = assign(first)
        low = (scores >= settings.low_score) & ~high
        free_rows = np.ones(len(table), bool)
        free_rows[rows] = False
        free_cols = np.ones(len(scores), bool)
        free_cols[cols] = False
        if low.any():
            recent = table[:, SEEN_S] >= self._now_s - 1.0
            more_rows, more_cols = assign(gain * (low & (free_rows & sure & recent)[:, None]))
            rows += more_rows
            cols += more_cols
            free_rows[more_rows] = False
        if not sure.all():
            more_rows, more_cols = assign(gain * ((high & free_cols) & (free_rows & ~sure)[:, None]))
            rows += more_rows
            cols += more_cols
        if rows:
            self._fold(rows, measured[cols], scores[cols])
        free_cols[cols] = False
        return (free_cols & high).nonzero()[0]

    def _fold(self, rows: list[int], measured: Floats, scores: Floats) -> None:
        table, now_s, settings = self._table, self._now_s, self.settings
        doubt = np.maximum(1.0, 2.0 - scores / settings.high_score)[:, None] ** 2
        state = kalman.correct(table, rows, measured, doubt)
        share = 1.0 - np.exp(-(now_s - state[:, SEEN_S]) / SCORE_MEMORY_S)
        state[:, SCORE] += share * (scores - state[:, SCORE])
        state[:, SEEN_S] = now_s
        state[:, HITS] += 1.0
        moved = np.abs(state[:, :2] - state[:, ANCHOR_X : ANCHOR_Y + 1]).max(axis=1)
        away = moved > settings.stationary_reach * np.exp(state[:, 3])
        if away.any():
            state[away, ANCHOR_X : ANCHOR_Y + 1] = state[away, :2]
            state[away, ANCHOR_S] = now_s
        state[:, SURE] = np.maximum(
            state[:, SURE],
            (state[:, HITS] >= settings.confirm_hits) & (now_s - state[:, BORN_S] >= settings.confirm_s - 1e-6),
        )
        table[rows] = state

    def _forget(self) -> None:
        table, settings = self._table, self.settings
        if not len(table):
            return
        unseen_s = self._now_s - table[:, SEEN_S]
        if unseen_s.max() <= 0.0:
            return
        patience_s = np.where(self._standing(self._now_s), settings.stationary_patience_s, settings.patience_s)
        patience_s[table[:, SURE] == 0] = 0.0
        keep = unseen_s <= patience_s
        if not keep.all():
            self._table = table[keep]

    def _begin(self, measured: Floats, scores: Floats, labels: NDArray[np.int32], left: NDArray[np.intp]) -> None:
        new = left[scores[left] >= self.settings.new_score] if len(left) else left
        new = new[: max(0, self.settings.max_tracks - len(self._table))]
        if not len(new):
            return
        rows = np.zeros((len(new), COLUMNS))
        rows[:, : kalman.STATE_COLUMNS] = kalman.born(measured[new])
        rows[:, SCORE] = scores[new]
        rows[:, SEEN_S] = rows[:, BORN_S] = rows[:, ANCHOR_S] = self._now_s
        rows[:, HITS] = 1.0
        rows[:, ANCHOR_X : ANCHOR_Y + 1] = measured[new, :2]
        rows[:, LABEL] = labels[new]
        rows[:, SURE] = self.settings.confirm_hits == 1 and self.settings.confirm_s == 0
        rows[:, ID] = np.arange(self._next_id, self._next_id + len(new))
        self._next_id += len(new)
        self._table = np.concatenate((self._table, rows))

    def _shown(self, capture_ns: int) -> Tracks:
        table = self._table
        sure = table[:, SURE] > 0
        if not sure.all():
            table = table[sure]
        if not len(table):
            return no_tracks(capture_ns, self._aspect)
        unseen_s = self._now_s - table[:, SEEN_S]
        states = np.full(len(table), ACTIVE, np.int8)
        states[table[:, ANCHOR_S] <= self._now_s - self.settings.stationary_s] = STATIONARY
        states[unseen_s > self.settings.hold_s] = OCCLUDED
        boxes = kalman.corners(table[:, :4])
        boxes[:, 0::2] /= self._aspect
        velocity = table[:, 4:6].astype(np.float32)
        velocity[:, 0] /= self._aspect
        return Tracks(
            capture_ns=capture_ns,
            ids=table[:, ID].astype(np.int64),
            boxes=boxes.astype(np.float32),
            scores=table[:, SCORE].astype(np.float32),
            labels=table[:, LABEL].astype(np.int32),
            velocity=velocity,
            states=states,
            age_s=(self._now_s - table[:, BORN_S]).astype(np.float32),
            unseen_s=unseen_s.astype(np.float32),
            aspect=self._aspect,
        )
