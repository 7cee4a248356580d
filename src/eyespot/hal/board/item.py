"""One thing that a look at the board found, or looked for and did not find."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the survey.

    Attributes:
        kind: group it belongs to, for example ``npu``.
        name: a device node, a runtime, a feature.
        usable: True when Eyespot, or a program with this user's rights, can use it now.
        what: one phrase about it.
        todo: what would make it usable; empty when nothing is needed or nothing would.
        tested: False where the project could never try it on real hardware.
    """

    kind: str
    name: str
    usable: bool
    what: str
    todo: str = ""
    tested: bool = True

    def document(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)
