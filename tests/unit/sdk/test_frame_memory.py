"""Memory of frames is used again, and never while somebody holds it."""

import numpy as np

from eyespot.contracts.view import NamedView
from eyespot.sdk.frame_memory import KEPT, FrameMemory

VIEW = NamedView(name="v", camera="c", width_px=64, height_px=48)


def address(pixels: np.ndarray) -> int:
    return int(pixels.__array_interface__["data"][0])


def test_what_was_let_go_is_used_again() -> None:
    memory = FrameMemory(VIEW)
    first = memory.free()
    assert first.shape == (48, 64, 3)
    assert first.dtype == np.uint8
    place = address(first)
    del first
    assert address(memory.free()) == place


def test_what_is_held_in_any_way_is_not_given_out() -> None:
    memory = FrameMemory(VIEW)
    whole = memory.free()
    held = {"array": whole, "part": memory.free()[10:20, ::2], "bytes": memoryview(memory.free())}
    del whole
    more = [memory.free() for _ in range(2 * KEPT)]
    assert len({address(one) for one in more}) == len(more)
    for name, one in held.items():
        assert not any(np.shares_memory(np.asarray(one), other) for other in more), name


def test_no_more_than_a_few_are_kept() -> None:
    memory = FrameMemory(VIEW)
    many = [memory.free() for _ in range(3 * KEPT)]
    places = [address(one) for one in many]
    del many
    again = [memory.free() for _ in range(KEPT)]
    assert {address(one) for one in again} == set(places[:KEPT])
