"""Models for all services: whom they were granted to, and each service's door. Loads nothing until one asks for any."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eyespot.contracts.event import Event
from eyespot.contracts.frames_door import Grant
from eyespot.edge.config import CameraHostConfig
from eyespot.edge.layout import StateLayout
from eyespot.edge.services.granted import granted_models
from eyespot.edge.services.installed import Checked
from eyespot.kernel.clock import Clock

if TYPE_CHECKING:
    from eyespot.edge.services.inference.allowance import Allowance
    from eyespot.edge.services.inference.door import InferDoor
    from eyespot.edge.services.inference.models import ServiceModels
    from eyespot.edge.services.inference.planned import Planned
    from eyespot.edge.services.inference.supply import Supply

SOCKET = "infer.sock"


class ModelDesk:
    """Belongs to the services process.

    Args:
        config: as it was when the process started.
        submit: takes the event of a crash of the inference process that services have of their own.
    """

    def __init__(
        self, layout: StateLayout, config: CameraHostConfig, clock: Clock, submit: Callable[[Event], None]
    ) -> None:
        self._layout, self._config, self._clock, self._submit = layout, config, clock, submit
        self._supply: Supply | None = None
        self._open: dict[str, tuple[InferDoor, ServiceModels]] = {}
        self._allowances: dict[str, Allowance] = {}

    def admit(self, checked: Checked) -> None:
        """Promise a service its share, where it was granted a model; raises ``EXHAUSTED``."""
        if granted_models(checked.manifest, checked.row.granted):
            self._made_supply().admit(checked.row.name, checked.manifest.budget.accelerator)

    async def open(self, checked: Checked, grant: Grant) -> None:
        """Open the door of an admitted service.

        One whose manifest lists no model has none; one that was granted none is told so there.

        Args:
            grant: who the service is, and where its door is made.
        """
        if not checked.manifest.model:
            return
        rates_hz = granted_models(checked.manifest, checked.row.granted)
        from eyespot.edge.infer_client import Account
        from eyespot.edge.services.inference.allowance import Allowance
        from eyespot.edge.services.inference.answers import Answers
        from eyespot.edge.services.inference.door import InferDoor
        from eyespot.edge.services.inference.models import ServiceModels
        from eyespot.infer.share.fair_queue import LEAST_SHARE

        name, share, supply = checked.row.name, checked.manifest.budget.accelerator, self._made_supply()
        allowance = Allowance(name, rates_hz, share, self._clock)
        account = Account(f"service.{name}", max(LEAST_SHARE, share), priority=-1)
        models = ServiceModels(supply.socket, account, self._clock)
        door = InferDoor(grant, Answers(name, models, allowance), allowance, supply.wake, self._clock)
        self._open[name] = door, models
        self._allowances[name] = allowance
        await door.open()

    async def close(self, name: str) -> None:
        """A service ended: its door is shut and its share given back."""
        self._allowances.pop(name, None)
        door, models = self._open.pop(name, (None, None))
        if door is not None and models is not None:
            await door.close()
            models.close()
        if self._supply is not None:
            await self._supply.dismiss(name)

    def status(self, name: str) -> dict[str, Any] | None:
        """What one service used of its models; None where it has none."""
        door, _ = self._open.get(name, (None, None))
        return None if door is None else door.status()

    def plan(self, planned: "Planned") -> None:
        """Hold services to what the host's plan of rates leaves them, until told otherwise."""
        for name, allowance in self._allowances.items():
            allowance.plan(planned.get(name, {}))

    def totals(self) -> dict[str, Any]:
        """What all were promised and each was granted, and the process of their own; empty where none was granted a
        model.
        """
        granted = {name: allowance.granted() for name, allowance in self._allowances.items() if allowance.packages}
        return {} if self._supply is None else {**self._supply.status(), "granted": granted}

    def _made_supply(self) -> "Supply":
        if self._supply is None:
            from eyespot.edge.services.inference.supply import Supply

            self._supply = Supply(self._layout, self._config, self._clock, self._submit)
        return self._supply
