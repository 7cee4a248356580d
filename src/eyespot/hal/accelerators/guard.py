"""Stands between Eyespot and a plug-in: whatever the plug-in raises or returns, callers meet the contract.

Cannot guard against native code that crashes the process; the process that runs models is one of its own for that.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from eyespot.hal.accelerators.checks import check_inputs, check_outputs, first_line
from eyespot.hal.accelerators.contract import Accelerator, Loaded, Presence, TensorSpec, presence_of
from eyespot.kernel.errors import EyespotError, Kind, invalid

LIMIT_S = 5.0
"""A plug-in that takes longer to say whether it can be used is left out."""


class Guarded:
    """``accelerator``, a plug-in, behind the contract. ``origin`` names its distribution and version for a person."""

    def __init__(self, accelerator: Accelerator, origin: str, *, limit_s: float = LIMIT_S) -> None:
        self._accelerator = accelerator
        self._limit_s = limit_s
        self._late = False
        self.name = accelerator.name
        self.formats = accelerator.formats
        self.origin = origin

    def presence(self) -> Presence:
        """What the plug-in says, within a time limit; one that was late once is not asked again.

        ``tested`` is for its maker to answer, not for this project to doubt.
        """
        if self._late:
            return self._broken(f"it did not answer within {self._limit_s:g} s")
        answers: list[Presence] = []

        def ask() -> None:
            try:
                found = presence_of(self._accelerator)
                answers.append(
                    Presence(bool(found.usable), str(found.version), str(found.why_not), str(found.todo), tested=True)
                )
            except BaseException as error:  # noqa: BLE001 - foreign code, in a thread of its own: all of it ends here
                answers.append(self._broken(first_line(error)))

        thread = threading.Thread(target=ask, name=f"plugin-{self.name}", daemon=True)
        thread.start()
        thread.join(self._limit_s)
        if not answers:
            self._late = True
            return self.presence()
        return answers[0]

    def _broken(self, how: str) -> Presence:
        return Presence(usable=False, why_not=f"Its plug-in fails: {how}.", todo=f"Update {self.origin}.", tested=True)

    def available(self) -> bool:
        return self.presence().usable

    def load(self, model_path: Path, threads: int, *, input_shapes: Sequence[Sequence[int]] | None = None) -> Loaded:
        try:
            return _Loaded(self.name, self._accelerator.load(model_path, threads, input_shapes=input_shapes))
        except EyespotError:
            raise
        except Exception as error:  # foreign code may raise anything
            raise invalid(f"{self.name} does not accept {model_path.name}: {first_line(error)}.") from error


def _own(specs: Sequence[TensorSpec]) -> tuple[TensorSpec, ...]:
    """``specs`` as ours: a plug-in may describe its tensors with a class of its own."""
    return tuple(TensorSpec(str(spec.name), str(spec.dtype), tuple(spec.shape)) for spec in specs)


class _Loaded:
    def __init__(self, name: str, loaded: Loaded) -> None:
        self._name = name
        self._loaded = loaded
        self.inputs = _own(loaded.inputs)
        self.outputs = _own(loaded.outputs)

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        check_inputs(self.inputs, inputs)
        try:
            outputs = list(self._loaded.run(inputs))
            check_outputs(self.outputs, outputs)
        except EyespotError:
            raise
        except Exception as error:  # foreign code may raise anything
            raise EyespotError(Kind.INTERNAL, f"{self._name} failed: {first_line(error)}.") from error
        return outputs

    def close(self) -> None:
        try:
            self._loaded.close()
        except Exception as error:  # foreign code may raise anything
            raise EyespotError(Kind.INTERNAL, f"{self._name} failed to close: {first_line(error)}.") from error
