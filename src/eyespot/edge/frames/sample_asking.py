"""Asks the frames process for a sample. Apart from what takes it, so that who asks need not load decoders."""

from eyespot.bus import subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.view import NamedView
from eyespot.contracts.view_sample import SampleRequest, ViewSample

ANSWER_S = 9.0


async def ask_sample(bus: Bus, view: NamedView) -> ViewSample:
    """The frames process's sample of ``view``; raises ``NOT_FOUND``, ``UNAVAILABLE`` also where that does not run."""
    request = SampleRequest(view=view)
    answer = await bus.request(
        subjects.control("frames"), request.model_dump_json(exclude_unset=True).encode(), ANSWER_S
    )
    return ViewSample.model_validate_json(answer)
