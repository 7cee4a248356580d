"""The engines of one host, from the least to the most confining."""

import hashlib
from pathlib import Path

from eyespot.edge.services.engines.container import ContainerEngine
from eyespot.edge.services.engines.contract import Engine
from eyespot.edge.services.engines.inline import InlineEngine
from eyespot.edge.services.engines.process import ProcessEngine
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import invalid


def known(clock: Clock, state: Path) -> tuple[Engine, ...]:
    """All engines; nothing is tried yet.

    Args:
        state: the host's state folder: it tells this host's containers from those of others.
    """
    return (InlineEngine(clock), ProcessEngine(clock), ContainerEngine(clock, owner_of(state)))


def owner_of(state: Path) -> str:
    """The name that a host with this state folder marks its containers with."""
    return hashlib.sha256(str(state.absolute()).encode()).hexdigest()[:8]


def find_engine(engines: tuple[Engine, ...], name: str) -> Engine:
    """The engine called ``name``; raises ``INVALID`` with the names there are."""
    for engine in engines:
        if engine.name == name:
            return engine
    raise invalid(
        f"There is no host '{name}' for services.", f"Choose one of: {', '.join(one.name for one in engines)}."
    )
