"""Cameras behind libcamera (Raspberry Pi, Intel IPU, Rockchip, i.MX): its Python binding, found and driven.

Owns the binding, one camera manager a process, and who has a camera; libcamera gives a camera to one program at a
time, so its stream and its controls share what is here. Called by ``hal.sensors``, ``hal.imaging`` and ``hal.board``.
"""
