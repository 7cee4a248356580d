"""Switches outputs as it is asked to, through the SDK or past it, and answers what became of that."""

from eyespot.bus.nats import NatsBus
from eyespot.kernel.errors import EyespotError
from eyespot.sdk import Service


class Ringer(Service):
    verbs = ("pulse", "off", "past")

    async def on_request(self, verb, body):
        try:
            if verb == "past":  # what the SDK itself would refuse: straight to the bus
                bus: NatsBus = self._link._bus
                await bus.request(body["subject"], b'{"do": "on"}', 1.0)
            else:
                output = self.output(body["output"])
                await (output.pulse(body.get("seconds")) if verb == "pulse" else output.off())
        except EyespotError as error:
            return {"refused": error.kind.name, "why": error.what}
        return {"refused": ""}
