"""One accelerator shared by several clients: guaranteed shares, priorities, deadlines, bounded queues.

Owns who runs next (``fair_queue``, pure) and the threads that run it (``accelerator``). Does not own what runs: a
client hands in a model and a function of the opened model. Called by whoever has several services on one chip.
"""
