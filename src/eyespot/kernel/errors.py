"""Every error Eyespot raises on purpose: one class, a closed list of kinds.

Each kind is mapped once to an HTTP status, a process exit code, a log level and whether trying again can help.
Code that raises says *what* happened and what to *do*; code that catches decides by ``kind`` alone.
"""

import logging
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class KindFacts:
    """What follows from an error kind at the edges of the program."""

    http_status: int
    exit_code: int
    log_level: int
    retryable: bool


class Kind(Enum):
    """The closed list of error kinds."""

    INVALID = KindFacts(400, 2, logging.INFO, retryable=False)
    UNAUTHENTICATED = KindFacts(401, 3, logging.INFO, retryable=False)
    FORBIDDEN = KindFacts(403, 3, logging.WARNING, retryable=False)
    NOT_FOUND = KindFacts(404, 4, logging.INFO, retryable=False)
    CONFLICT = KindFacts(409, 5, logging.INFO, retryable=False)
    TOO_LARGE = KindFacts(413, 2, logging.INFO, retryable=False)
    THROTTLED = KindFacts(429, 6, logging.INFO, retryable=True)
    CORRUPT = KindFacts(500, 7, logging.ERROR, retryable=False)
    INTERNAL = KindFacts(500, 70, logging.ERROR, retryable=False)
    UNAVAILABLE = KindFacts(503, 6, logging.WARNING, retryable=True)
    EXHAUSTED = KindFacts(507, 8, logging.ERROR, retryable=True)


class EyespotError(Exception):
    """An error a person can act on.

    Args:
        kind: which of the closed list of kinds it is.
        what: one sentence that says what happened, with the names and numbers at hand, without secrets.
        todo: one sentence that says what to do about it; empty when there is nothing to do.
    """

    def __init__(self, kind: Kind, what: str, todo: str = "") -> None:
        super().__init__(f"{what} {todo}".strip())
        self.kind = kind
        self.what = what
        self.todo = todo


def invalid(what: str, todo: str = "") -> EyespotError:
    """Input that breaks its rules: nothing was changed."""
    return EyespotError(Kind.INVALID, what, todo)


def not_found(what: str, todo: str = "") -> EyespotError:
    """Something named does not exist."""
    return EyespotError(Kind.NOT_FOUND, what, todo)


def unavailable(what: str, todo: str = "") -> EyespotError:
    """Something outside (camera, broker, disk) does not answer now; trying again can help."""
    return EyespotError(Kind.UNAVAILABLE, what, todo)


def corrupt(what: str, todo: str = "") -> EyespotError:
    """Stored or received bytes break their format."""
    return EyespotError(Kind.CORRUPT, what, todo)
