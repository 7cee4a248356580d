"""What is asked of a host's outputs over the bus, and what they answer. Schema version 1."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_PULSE_S = 3600.0
OutputName = Annotated[str, Field(min_length=1, max_length=64)]
PulseSeconds = Annotated[float, Field(gt=0, le=MAX_PULSE_S)]


class OutputRequest(BaseModel):
    """One request to the process that holds the outputs; every one is answered with an ``OutputsReport``.

    ``list`` needs nothing more; ``set`` needs ``name`` and ``on``; ``pulse`` needs ``name``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1
    do: Literal["list", "set", "pulse"]
    name: OutputName | None = None
    on: bool | None = None
    seconds: PulseSeconds | None = None
    """How long a pulse lasts; None: as the output's settings say."""
    by: str = Field(default="", max_length=100)
    """Who asks, for the log."""


class OutputCommand(BaseModel):
    """What a service asks of an output that it was granted, at ``eyespot.service.<name>.output.<output>``.

    It is answered with that output's ``OutputReport``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1
    do: Literal["on", "off", "pulse"]
    seconds: PulseSeconds | None = None
    """How long a pulse lasts; None: as the output's settings say."""


class OutputReport(BaseModel):
    """One output now."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: str
    """``gpio`` or ``simulated``."""
    on: bool | None
    """None while it cannot be switched: ``error`` says why."""
    pulsing: bool = False
    """It goes back to rest by itself."""
    pulses: int = 0
    """Pulses given since the process started."""
    skipped: int = 0
    """Pulses that events asked for and did not get: one was running, had just ended, or a person had switched it."""
    error: str = ""


class OutputsReport(BaseModel):
    """All outputs, in the order of the config."""

    model_config = ConfigDict(frozen=True)

    v: Literal[1] = 1
    outputs: tuple[OutputReport, ...] = ()
