"""What a service asks its owner for, one thing at a time, each in the words of ``granted.in_words``. Pure."""

from dataclasses import dataclass
from typing import Literal

from eyespot.contracts.service import Manifest
from eyespot.contracts.view import ANY_CAMERA
from eyespot.edge.services.granted import PERMISSIONS, Granted, Permission, everything, in_words

Part = Literal["see", "use", "send"]
Key = Permission
PARTS: tuple[Part, ...] = ("see", "use", "send")


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that can be granted or not: ``value`` of ``key`` in ``Granted``."""

    key: Key
    value: str
    part: Part
    words: str


def wishes(manifest: Manifest, camera: str) -> tuple[Wish, ...]:
    """Everything that ``manifest`` asks for, with the id ``camera`` for ``*``."""
    asked = everything(manifest, camera)
    nothing = Granted(camera=camera)
    before = in_words(manifest, nothing)
    found = []
    for key in PERMISSIONS:
        for value in getattr(asked, key):
            alone = in_words(manifest, nothing.model_copy(update={key: (value,)}))
            for part in PARTS:
                new = [line for line in alone[part] if line not in before[part]]
                if new:
                    found.append(Wish(key, value, part, " ".join(new)))
    return tuple(found)


def needs_camera(manifest: Manifest) -> bool:
    """Whether the owner has to say which camera stands for ``*``."""
    return any(view.camera == ANY_CAMERA for view in manifest.view) or bool(manifest.permissions.read)
