"""The image signal processor in software: raw Bayer in, RGB and statistics out, and the loops that choose its settings.

Pure numpy; no device, no clock, no threads. ``pipeline.SoftwareIsp`` is the door; every stage is a function of arrays.
"""
