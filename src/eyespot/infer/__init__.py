"""Model packages and the sessions that run them: load, verify, choose a variant, run on lanes of one thread each.

Does not own what the tensors mean (that is ``vision.heads``) nor the runtimes themselves (``hal.accelerators``).
"""
