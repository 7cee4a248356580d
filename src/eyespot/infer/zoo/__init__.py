"""The model zoo: fetches pinned foreign models, converts, verifies, quantises and packs them as model packages.

A build step, never run by a camera at work. Owns conversion and the quality gate; does not own running models
(``infer.session``) or the meaning of their outputs (``vision.heads``, passed in).
"""
