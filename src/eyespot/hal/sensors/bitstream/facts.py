"""What a sequence parameter set says about the pictures that follow it."""

from dataclasses import dataclass

MAX_SIDE_PX = 16_384


@dataclass(frozen=True, slots=True)
class SequenceFacts:
    """Facts read from an H.264 or H.265 sequence parameter set.

    Attributes:
        identity: the set's id.
        width_px: picture width after cropping.
        height_px: picture height after cropping.
        frame_ns: frame duration that the VUI gives, 0 when it gives none.
        reorder_frames: how many frames may be decoded before one that is shown earlier; None when it is not said.
        chroma: chroma format, 0 (grey) to 3 (4:4:4).
        depths: bits a luma and a chroma sample.
    """

    identity: int
    width_px: int
    height_px: int
    frame_ns: int
    reorder_frames: int | None
    chroma: int
    depths: tuple[int, int]
