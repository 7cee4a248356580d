"""How the API says that something went wrong: one JSON shape, for every error there is."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from eyespot.kernel.config_words import describe_all
from eyespot.kernel.errors import EyespotError, Kind

log = logging.getLogger(__name__)

_BY_STATUS = {
    404: Kind.NOT_FOUND,
    405: Kind.INVALID,
    413: Kind.TOO_LARGE,
    401: Kind.UNAUTHENTICATED,
    403: Kind.FORBIDDEN,
}
_MAX_LISTED = 10


class ErrorDetail(BaseModel):
    """What happened and what to do about it."""

    kind: str
    what: str
    todo: str


class ErrorAnswer(BaseModel):
    """The body of every answer that is not a success."""

    error: ErrorDetail


def error_body(error: EyespotError) -> dict[str, Any]:
    """``error`` as the JSON that callers meet."""
    return {"error": {"kind": error.kind.name.lower(), "what": error.what, "todo": error.todo}}


def error_answer(error: EyespotError, *, status: int | None = None) -> JSONResponse:
    """``error`` as an HTTP answer; ``status`` overrides that of its kind."""
    headers = {"Retry-After": "1"} if error.kind.value.retryable else {}
    if error.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(error_body(error), status or error.kind.value.http_status, headers)


def install(app: FastAPI) -> None:
    """Make ``app`` answer every error in the one shape."""
    app.add_exception_handler(EyespotError, _eyespot)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _eyespot(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, EyespotError)
    if error.kind in (Kind.INTERNAL, Kind.CORRUPT):
        log.log(error.kind.value.log_level, "%s", error)
    return error_answer(error)


async def _validation(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    lines = describe_all(({**item, "loc": item["loc"][:8]} for item in error.errors()), most=_MAX_LISTED)
    return error_answer(EyespotError(Kind.INVALID, "; ".join(lines) + ".", "Correct the request and send it again."))


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code, Kind.INVALID if error.status_code < 500 else Kind.INTERNAL)
    answer = error_answer(EyespotError(kind, f"{error.detail}.", ""), status=error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_answer(
        EyespotError(Kind.INTERNAL, "Something went wrong inside.", "The log of the api process says what.")
    )
