"""Model packages, sessions that run them, and lanes that run several at once.

Owns which variant runs on which accelerator and why. Does not own what tensors mean (``vision.heads``), nor runtimes
(``hal.accelerators``).
"""
