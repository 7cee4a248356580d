"""The floor of the house: errors, clock, ids, units of time, config base, service lifecycle, logging, bounded queues.

Owns nothing that names a camera, a packet or a model. Every room may import it; it imports no other room.
"""
