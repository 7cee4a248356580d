"""The tracker: detections in, tracks with lasting ids out.

Sure detections begin tracks and unsure ones only carry them on (after ByteTrack, Zhang et al. 2022, arXiv:2110.06864).
Unlike there all are matched at once, unsure ones at a handicap: where two people cross, the better box must not go to
whoever is nearest to it and leave the wrong one for the other. A detection in the shadow of a better one counts as
unsure: it may be a second person, or the same one found twice. It owns the book of tracks; the motion model is
``kalman``, the fit of a pair ``affinity``, the choice of pairs ``assign``. No clock: time is the capture time of the
detections. The table holds a track a column.
Questions about a row are asked of its list, which for a few objects is far quicker than of an array.
"""

import math

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.detections import Boxes, Detections
from eyespot.kernel.clock import NS_PER_S
from eyespot.vision.track import kalman
from eyespot.vision.track.affinity import affinity, overlaps, shadowed
from eyespot.vision.track.assign import assign
from eyespot.vision.track.kalman import Floats
from eyespot.vision.track.settings import TrackerSettings
from eyespot.vision.track.tracks import ACTIVE, OCCLUDED, STATIONARY, Tracks, no_tracks

SCORE, SEEN_S, BORN_S, HITS, ANCHOR_X, ANCHOR_Y, ANCHOR_S, ID, LABEL, SURE, FIRM_S = range(
    kalman.STATE_ROWS, kalman.STATE_ROWS + 11
)
ROWS = kalman.STATE_ROWS + 11
ANCHOR = slice(ANCHOR_X, ANCHOR_Y + 1)
LONGEST_STEP_S = 5.0
"""Prediction never reaches further than this at once; after a longer gap objects are looked for where they were."""
CALM_S = 8.0
"""Time constant with which an unseen object is assumed to slow down."""
SCORE_MEMORY_S = 0.5
RECENT_S = 1.0
"""Unsure detections carry on tracks that were seen within so long."""
UNSURE_LOSS = 0.5
"""Loss of gain of a pair with an unsure detection: it must fit well to take a track from a sure one."""
TENTATIVE_LOSS = 0.5
"""Loss of gain of a pair with a track that is not confirmed yet."""
MAX_DETECTIONS = 1000
"""The best so many of one frame are looked at."""
FAR_OUTSIDE = 10.0
"""Boxes that reach so many pictures away are nonsense."""
_SOON_S = 1e-6
_ACTIVE, _STATIONARY = np.int8(ACTIVE), np.int8(STATIONARY)


class Tracker:
    """Follows the objects of one camera. Not thread-safe."""

    def __init__(self, settings: TrackerSettings | None = None) -> None:
        self.settings = settings or TrackerSettings()
        self._table: Floats = np.zeros((ROWS, 0))
        self._next_id = 1
        self._start_ns: int | None = None
        self._now_s = 0.0
        self._before_s = 0.0
        self._looked_s = 0.0
        self._aspect = 1.0

    def update(self, detections: Detections) -> Tracks:
        """Match one frame's detections; a frame older than the one before counts as the same moment.

        Detections with sides of 0 or values that are not finite are left out.
        """
        self._aspect = detections.aspect
        self._advance(detections.capture_ns)
        boxes, scores, labels = _usable(detections, self.settings.low_score)
        measured = kalman.measurements(boxes, detections.aspect)
        left = self._associate(measured, scores, labels)
        self._forget()
        self._begin(measured, scores, labels, left)
        self._looked_s = self._now_s
        return self._shown(detections.capture_ns)

    def coast(self, capture_ns: int) -> Tracks:
        """A frame without motion and so without inference: what was seen last is still there and stands still.

        Tracks already lost go on ageing.
        """
        self._advance(capture_ns)
        table = self._table
        if table.shape[1]:
            here = table[SEEN_S] >= self._looked_s - _SOON_S
            table[SEEN_S, here] = self._now_s
            table[FIRM_S, here] += self._now_s - self._before_s
            table[kalman.VELOCITY, here] = 0.0
            self._forget()
        self._looked_s = self._now_s
        return self._shown(capture_ns)

    def expect(self, capture_ns: int) -> Tracks:
        """A frame that nobody detected in: where everything should be now, by prediction alone.

        Nothing is gained or lost; ``unseen_s`` says how long ago each was last detected.
        """
        self._advance(capture_ns)
        if self._table.shape[1]:
            self._predict(self._looked_s - self._table[SEEN_S])
        return self._shown(capture_ns)

    @property
    def is_sure(self) -> bool:
        """No object is new and still to be confirmed; a detection soon would tell."""
        return bool((self._table[SURE] > 0.0).all())

    @property
    def has_missed(self) -> bool:
        """An object that was seen within the last second was looked for since, and not found."""
        unseen_s = self._looked_s - self._table[SEEN_S]
        return bool(((unseen_s > _SOON_S) & (unseen_s <= RECENT_S)).any())

    def _advance(self, capture_ns: int) -> None:
        if self._start_ns is None:
            self._start_ns = capture_ns
        self._before_s = self._now_s
        self._now_s = max(self._now_s, (capture_ns - self._start_ns) / NS_PER_S)

    def _associate(self, measured: Floats, scores: Floats, labels: NDArray[np.int32]) -> NDArray[np.intp]:
        """Predict and match tracks; returns the indices of sure detections that belong to none."""
        table, settings, known = self._table, self.settings, self._table.shape[1]
        unseen_s = self._looked_s - table[SEEN_S]
        if known:
            self._predict(unseen_s)
        boxes = kalman.corners(np.concatenate((table[kalman.POSITION], measured), axis=1))
        overlap = overlaps(boxes, boxes[:, known:])
        high = scores >= settings.high_score
        if len(scores) > 1:
            high &= ~shadowed(overlap[known:], scores)
        if not known or not len(scores):
            return high.nonzero()[0]
        reach = np.minimum(np.sqrt(table[8]), 1.0)
        reach += settings.gate_heights
        reach *= np.exp(table[3])
        gain = affinity(table[kalman.POSITION], unseen_s, reach, measured, overlap[:known])
        if len({*table[LABEL].tolist(), *labels.tolist()}) > 1:
            gain[table[LABEL, :, None] != labels] = 0.0
        columns, found = self._pairs(gain, high, unseen_s)
        if columns:
            self._fold(columns, measured.take(found, axis=1), scores.take(found))
            high[found] = False
        return high.nonzero()[0]

    def _predict(self, unseen_s: Floats) -> None:
        dt_s = self._now_s - self._before_s
        calm: Floats | float = 1.0
        if max(unseen_s.tolist()) > _SOON_S:
            calm = np.where(unseen_s > _SOON_S, math.exp(-dt_s / CALM_S), 1.0)
        kalman.predict(self._table, min(dt_s, LONGEST_STEP_S), calm)

    def _pairs(
        self, gain: Floats, high: NDArray[np.bool_], unseen_s: NDArray[np.float64]
    ) -> tuple[list[int], list[int]]:
        """Matched tracks and detections; unsure detections are for confirmed tracks surely seen not long ago."""
        sure = self._table[SURE] > 0.0
        if not all(sure.tolist()):
            gain -= np.where(sure, 0.0, TENTATIVE_LOSS)[:, None]
        if not all(high.tolist()):
            gain -= np.where(high, 0.0, UNSURE_LOSS)
            firm = self._table[FIRM_S] >= self._now_s - self.settings.unsure_s - _SOON_S
            gain[~(high | (sure & firm & (unseen_s <= RECENT_S))[:, None])] = 0.0
        return assign(gain)

    def _fold(self, columns: list[int], measured: Floats, scores: Floats) -> None:
        """Take the measurements into the tracks of ``columns``."""
        table, now_s, settings = self._table, self._now_s, self.settings
        state = table.take(columns, axis=1)
        doubt: Floats | float = 1.0
        if min(scores.tolist()) < settings.high_score:
            doubt = np.maximum(1.0, 2.0 - scores / settings.high_score)
            state[FIRM_S, scores >= settings.high_score] = now_s
        else:
            state[FIRM_S] = now_s
        kalman.correct(state, measured, doubt * doubt)
        share = 1.0 - np.exp((state[SEEN_S] - now_s) / SCORE_MEMORY_S)
        state[SCORE] += share * (scores - state[SCORE])
        state[SEEN_S] = now_s
        state[HITS] += 1.0
        moved = np.maximum.reduce(np.abs(state[:2] - state[ANCHOR]))
        away = moved > settings.stationary_reach * np.exp(state[3])
        if any(away.tolist()):
            state[ANCHOR, away] = state[:2, away]
            state[ANCHOR_S, away] = now_s
        if min(state[SURE].tolist()) <= 0.0:
            enough = state[HITS] >= settings.confirm_hits
            enough &= state[BORN_S] <= now_s - settings.confirm_s + _SOON_S
            np.maximum(state[SURE], enough, out=state[SURE])
        table[:, columns] = state

    def _standing(self) -> NDArray[np.bool_]:
        """Which objects stood still when last seen."""
        table = self._table
        result: NDArray[np.bool_] = table[ANCHOR_S] <= table[SEEN_S] - self.settings.stationary_s
        return result

    def _outside(self) -> NDArray[np.bool_]:
        """Which objects have their centre beyond the edge of the picture."""
        x, y = self._table[:2]
        result: NDArray[np.bool_] = (x < 0.0) | (x > self._aspect) | (y < 0.0) | (y > 1.0)
        return result

    def _forget(self) -> None:
        """Drop tracks unseen for longer than their patience; new ones and those that left have none."""
        table, settings = self._table, self.settings
        if min(table[SEEN_S].tolist(), default=self._now_s) >= self._now_s:
            return
        patience_s = np.where(self._standing(), settings.stationary_patience_s, settings.patience_s)
        patience_s[(table[SURE] == 0.0) | self._outside()] = 0.0
        keep = self._now_s - table[SEEN_S] <= patience_s
        if not keep.all():
            self._table = table[:, keep]

    def _begin(self, measured: Floats, scores: Floats, labels: NDArray[np.int32], left: NDArray[np.intp]) -> None:
        if not len(left):
            return
        places = max(0, self.settings.max_tracks - self._table.shape[1])
        new = left[scores[left] >= self.settings.new_score][:places]
        if not len(new):
            return
        columns = np.zeros((ROWS, len(new)))
        columns[: kalman.STATE_ROWS] = kalman.born(measured[:, new])
        columns[SCORE] = scores[new]
        columns[[SEEN_S, BORN_S, ANCHOR_S, FIRM_S]] = self._now_s
        columns[HITS] = 1.0
        columns[ANCHOR] = measured[:2, new]
        columns[LABEL] = labels[new]
        columns[SURE] = self.settings.confirm_hits == 1 and self.settings.confirm_s == 0
        columns[ID] = np.arange(self._next_id, self._next_id + len(new))
        self._next_id += len(new)
        self._table = np.concatenate((self._table, columns), axis=1)

    def _shown(self, capture_ns: int) -> Tracks:
        table = self._table
        sure = (table[SURE] > 0.0).tolist()
        if not any(sure):
            return no_tracks(capture_ns, self._aspect)
        if not all(sure):
            table = table[:, sure]
        unseen_s = self._looked_s - table[SEEN_S]
        states = np.where(table[ANCHOR_S] <= table[SEEN_S] - self.settings.stationary_s, _STATIONARY, _ACTIVE)
        if max(unseen_s.tolist()) > self.settings.hold_s:
            states[unseen_s > self.settings.hold_s] = OCCLUDED
        boxes = kalman.corners(table[kalman.POSITION])
        boxes[0::2] /= self._aspect
        velocity = table[kalman.CENTRE_VELOCITY].T.astype(np.float32, order="C")
        velocity[:, 0] /= self._aspect
        return Tracks(
            capture_ns=capture_ns,
            ids=table[ID].astype(np.int64),
            boxes=boxes.T.astype(np.float32, order="C"),
            scores=table[SCORE].astype(np.float32),
            labels=table[LABEL].astype(np.int32),
            velocity=velocity,
            states=states,
            age_s=(self._now_s - table[BORN_S]).astype(np.float32),
            unseen_s=(self._now_s - table[SEEN_S]).astype(np.float32),
            aspect=self._aspect,
        )


def _usable(detections: Detections, least: float) -> tuple[Boxes, Floats, NDArray[np.int32]]:
    """Boxes, scores and labels of detections that are worth a look."""
    boxes, scores, labels = detections.boxes, detections.scores, detections.labels
    if not _all_usable(boxes, scores, least):
        keep = scores >= least
        keep &= (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        keep &= (np.abs(boxes) < FAR_OUTSIDE).all(axis=1)
        boxes, scores, labels = boxes[keep], scores[keep], labels[keep]
    if len(scores) > MAX_DETECTIONS:
        best = np.argpartition(-scores, MAX_DETECTIONS)[:MAX_DETECTIONS]
        boxes, scores, labels = boxes[best], scores[best], labels[best]
    return boxes, scores.astype(np.float64), labels


def _all_usable(boxes: Boxes, scores: NDArray[np.float32], least: float) -> bool:
    """The usual case, found out with few calls; False also for values that are not numbers."""
    if not len(scores):
        return True
    lowest, highest = np.minimum.reduce(boxes, axis=None), np.maximum.reduce(boxes, axis=None)
    if not (lowest > -FAR_OUTSIDE and highest < FAR_OUTSIDE and np.minimum.reduce(scores) >= least):
        return False
    return bool(np.logical_and.reduce(boxes[:, 2:] > boxes[:, :2], axis=None))
