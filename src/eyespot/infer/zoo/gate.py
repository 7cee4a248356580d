"""The quality gate: a variant that sees less than the float32 model does not enter a package.

Pure. Two measures on real frames, AP50 both times: *agreement*, with the float32 model's confident detections as the
truth, and, where ground truth is at hand, accuracy against it. A variant may lose ``MAX_LOSS`` by either.
"""

from eyespot.kernel.errors import invalid

MAX_LOSS = 0.02
"""Two points of AP50."""


def judge(name: str, *, agreement: float, ap50: float | None = None, reference_ap50: float | None = None) -> None:
    """Raise ``INVALID`` when variant ``name`` loses more than ``MAX_LOSS``; all figures are AP50 in 0 to 1."""
    _refuse(name, "of the float32 model's detections", 1.0 - agreement)
    if ap50 is not None and reference_ap50 is not None:
        _refuse(name, "against ground truth", reference_ap50 - ap50)


def _refuse(name: str, measure: str, loss: float) -> None:
    if not loss <= MAX_LOSS:
        raise invalid(
            f"Variant {name} loses {100 * loss:.1f} points of AP50 {measure}; {100 * MAX_LOSS:.0f} are allowed.",
            "Quantise convolutions only, and calibrate on frames like those it will see.",
        )
