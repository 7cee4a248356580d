"""What an image stands on: a tar with an interpreter, and what is to be said of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from eyespot.edge.apps_dev.oci.arch import Arch

Say = Callable[[str], None]
"""Told what is being done, a line at a time."""


@dataclass(frozen=True, slots=True)
class Base:
    """A base that is made.

    Attributes:
        tar: its files.
        python: its Python as (major, minor).
        env: variables that it needs beside those of every service.
    """

    tar: Path
    python: tuple[int, int]
    env: Mapping[str, str]


BaseMaker = Callable[[Arch, bool, Path, Say], Base]
"""Makes the base for an architecture (True: with Node), working in the folder."""
