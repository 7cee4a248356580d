"""The host's outputs: held by the media process, switched by people and by events, at rest whenever nobody holds them.

Owns who may switch what and for how long. The wires themselves are ``hal.outputs``.
"""
