"""One file per piece of hardware, behind one contract per kind: sensors, accelerators, and the board's inventory.

Owns how to talk to silicon. Does not own models or video logic. Called by ``media`` users (sensors) and ``infer`` users
(accelerators); imports contracts and kernel alone.
"""
