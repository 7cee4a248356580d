"""How a picture is taken: the imaging controls of a sensor behind one contract, and an ISP in software for raw sensors.

Owns controls (exposure, gain, white balance, focus, day/night, ...), their drivers, and raw to RGB with the loops that
steer it. Does not own packets, decoding or what is in the picture. Called by ``edge`` and ``bench``.
"""
