"""Publish, subscribe and request over NATS; subjects are functions, never strings.

Does not own what the messages mean (``contracts``). The memory twin is ``eyespot.testing.MemoryBus``.
"""
