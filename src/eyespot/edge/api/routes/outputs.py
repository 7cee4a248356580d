"""The host's outputs, for admins: what they are, switching and pulsing them. The media process holds them."""

from typing import Annotated

from fastapi import APIRouter, Path

from eyespot.bus import subjects
from eyespot.contracts.output import OutputReport, OutputRequest, OutputsReport
from eyespot.edge.api.deps import Admin, Deps, Needs
from eyespot.edge.api.shapes import OutputPulse, OutputSwitch
from eyespot.kernel.errors import not_found

router = APIRouter(prefix="/outputs", tags=["outputs"])

OutputPath = Annotated[str, Path(min_length=1, max_length=64, examples=["gate"])]


@router.get("", operation_id="listOutputs")
async def list_outputs(_admin: Admin, deps: Needs) -> OutputsReport:
    """All outputs and their states."""
    return await _ask(deps, OutputRequest(do="list"))


@router.put("/{output}", operation_id="setOutput")
async def set_output(output: OutputPath, body: OutputSwitch, admin: Admin, deps: Needs) -> OutputReport:
    """Turn an output on or off until further notice; a pulse that is running ends."""
    return _one(await _ask(deps, OutputRequest(do="set", name=output, on=body.on, by=admin.name)), output)


@router.post("/{output}/pulse", operation_id="pulseOutput")
async def pulse_output(output: OutputPath, body: OutputPulse, admin: Admin, deps: Needs) -> OutputReport:
    """Let an output leave its rest state for a while; refused while it does already."""
    request = OutputRequest(do="pulse", name=output, seconds=body.seconds, by=admin.name)
    return _one(await _ask(deps, request), output)


async def _ask(deps: Deps, request: OutputRequest) -> OutputsReport:
    answer = await deps.bus.request(subjects.control("media"), request.model_dump_json().encode())
    return OutputsReport.model_validate_json(answer)


def _one(report: OutputsReport, name: str) -> OutputReport:
    for output in report.outputs:
        if output.name == name:
            return output
    raise not_found(f"There is no output {name!r} any more.", "List the outputs.")
