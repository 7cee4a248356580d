"""Benchmarks anyone can run: `eyespot bench NAME [--json]`, each side by side with the alternative in one run.

Owns measuring and reporting, no feature. Peers live in an environment of their own. Called by ``cli.bench``.
"""
