"""Compiles a model package's float32 network for other silicon: new variants, judged and described, in the package.

Owns the way from ONNX to LiteRT INT8 and to Arm Ethos-U, the toolchains' environments and the check of what comes out.
Called by `eyespot models compile` on a workstation or server, never by a camera. Scripts in ``tools`` run inside the
toolchains' own environments and import nothing of Eyespot.
"""
