"""What each process tells the others about itself, a few times a minute."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["supervisor", "media", "vision", "api", "frames", "services", "operator"]
"""Who may join the bus. ``operator`` is a person at this machine's command line, and reports nothing."""


class StatusMessage(BaseModel):
    """One process's report: free-form counters per camera, and totals. Later reports replace earlier ones."""

    model_config = ConfigDict(frozen=True)

    v: Literal[1] = 1
    role: Role
    pid: int
    wall_ns: int
    uptime_s: float
    totals: dict[str, Any] = Field(default_factory=dict)
    cameras: dict[str, dict[str, Any]] = Field(default_factory=dict)
