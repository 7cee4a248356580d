"""Whether a board can do what is wanted of it: measures model packages, and plans functions onto accelerators.

Owns speed, memory and power measurements of variants on accelerators, descriptions of boards that are not here, and
the planner (pure). It does not run the camera: `eyespot models fit` and the benches call it.
"""
