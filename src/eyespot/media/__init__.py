"""Packets in, fan-out, and packets or pictures out: ingest with reconnect, the hub, the packet socket, decoding, fMP4.

Does not own AI, storage or access control. Called by ``record`` and ``edge``; the sensors behind it live in ``hal``.
"""
