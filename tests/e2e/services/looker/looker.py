"""Runs the model ``means`` on each frame of its view, and says what it gave, or why not."""

from eyespot.kernel.errors import EyespotError, Kind
from eyespot.sdk import Service


class Looker(Service):
    def on_start(self):
        self.said = ""

    async def on_frame(self, view, frame):
        try:
            mean = (await self.infer("means", frame.pixels))["mean"][0]
        except EyespotError as error:
            if error.kind not in (Kind.UNAVAILABLE, Kind.THROTTLED):  # which the next frame may be spared
                self.say("refused", kind_of_error=error.kind.name, why=error.what)
        else:
            wanted = frame.pixels.reshape(-1, 3).mean(axis=0)
            self.say("seen", mean=[round(float(one)) for one in mean], wanted=[round(float(one)) for one in wanted])

    def say(self, kind, **detail):
        if kind != self.said:
            self.said = kind
            self.emit(kind, **detail)
