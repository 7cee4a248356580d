"""Shipped fakes for the project's and app authors' tests: simulated clock, synthetic camera, memory bus, fake session.

Each fake has a test against the real thing it stands for.
"""
