"""Frames for services: a stream is decoded once, each distinct view is cut once, descriptors and ticks are handed out.

Owns the process between the hub and untrusted readers: rings, cutting, the sockets. Does not decide who may see what:
that is written in the grants. Started by the supervisor when there are grants.
"""
