"""The OpenAPI document is complete, and no input that it allows (or forbids) makes the server fail."""

import asyncio
import copy
from typing import Any

import httpx
import pytest
import schemathesis
from api_stand import Stand
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

EXAMPLES = 6


async def test_every_operation_is_described(owner: httpx.AsyncClient) -> None:
    document = (await owner.get("/openapi.json")).json()
    names = []
    for path, methods in document["paths"].items():
        for operation in methods.values():
            names.append(operation["operationId"])
            assert operation["description"] or operation["summary"], path
            assert "422" not in operation["responses"], path
            success = next(answer for code, answer in operation["responses"].items() if code.startswith("2"))
            assert success.get("content") or "204" in operation["responses"], path
    assert len(names) == len(set(names))
    assert {"listCameras", "signIn", "getPlayback", "listEvents", "putConfig", "putRules"} <= set(names)
    assert set(document["components"]["securitySchemes"]) == {"session", "token"}


@pytest.mark.slow
async def test_nothing_the_schema_can_say_makes_the_server_fail(
    playing: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eyespot.edge.api.routes.cameras._SNAPSHOT_S", 0.2)
    async with playing.client() as client:
        token = (await client.post("/tokens", json={"name": "fuzz"})).json()["token"]
        document = (await client.get("/openapi.json")).json()
    tried, failed = await asyncio.to_thread(fuzz, playing.url, token, document)
    assert tried > 250
    assert not failed, failed[:5]


def fuzz(url: str, token: str, document: dict[str, Any]) -> tuple[int, list[str]]:
    """Call every operation with generated input; returns how many calls were made and which failed."""
    document = copy.deepcopy(document)
    tried, failed = 0, []
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        for result in schemathesis.openapi.from_dict(document).get_all_operations():
            operation = result.ok()
            good = cases(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
            bad = cases(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)) if has_input(operation) else []
            for number, case in enumerate([*good, *bad]):
                if number % 2 and "camera" in (case.path_parameters or {}):
                    case.path_parameters["camera"] = "front"
                kwargs = case.as_transport_kwargs(base_url=url)
                request = client.build_request(
                    kwargs["method"],
                    kwargs["url"],
                    params=kwargs.get("params"),
                    json=kwargs.get("json"),
                    headers=headers,
                )
                answer = client.send(request)
                tried += 1
                if answer.status_code >= 500 and answer.status_code not in (503, 507):
                    failed.append(f"{request.method} {request.url} {request.content[:200]!r}: {answer.text[:200]}")
    return tried, failed


def has_input(operation: Any) -> bool:
    """True when there is something to get wrong."""
    return bool(operation.body or operation.query or operation.path_parameters)


def cases(strategy: st.SearchStrategy[Any]) -> list[Any]:
    """The same few examples of ``strategy`` each time."""
    found: list[Any] = []

    @seed(8)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def gather(case: Any) -> None:
        found.append(case)

    gather()
    return found
