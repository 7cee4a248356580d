"""Looks at half of a picture, says how bright it is, counts pictures, can be told to count anew."""

from typing import Any

from eyespot.sdk import Service


class Onlooker(Service):
    verbs = ("reset",)

    def on_start(self) -> None:
        self.pictures = 0
        print("looking", flush=True)

    def on_frame(self, view: str, frame: Any) -> None:
        if view == "left":
            self.pictures += 1
            scale = self.settings.scale
            bright = round(float(frame.pixels.mean()) / 255 * scale)
            self.state(brightness=bright, scale=scale, pictures=self.pictures)

    def on_request(self, verb: str, body: Any) -> Any:
        self.pictures = body["from"]
        self.emit("bright")
        return {"pictures": self.pictures}
