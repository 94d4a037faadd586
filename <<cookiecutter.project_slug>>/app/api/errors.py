"""Every error as application/problem+json (RFC 9457), whichever layer raised it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, cast

import asyncpg
import structlog
from asyncpg.exceptions import _base as asyncpg_base
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from sqlalchemy import exc as sqlalchemy_errors
from starlette.exceptions import HTTPException

from app.core.exceptions import MEDIA_TYPE, Problem, Unavailable, Unprocessable, instance_of, phrase
from app.db.connecting import SHARED_STATEMENTS, NotConnected
from app.db.sqlstate import Fault, classify, describe
from app.request_context import route_path

log = structlog.get_logger("app.errors")

DATABASE_DOWN = "database_unavailable"
DATABASE_DOWN_DETAIL = "The database is unavailable. Retry in a moment."
# SQLSTATE for errors without a response of the server (SQL: sqlclient_unable_to_establish_sqlconnection).
UNABLE_TO_CONNECT = "08001"
LOCATIONS = {"query": "query", "path": "path", "header": "header", "cookie": "cookie"}
# Pydantic's error type when the body was left as bytes, because its type is not JSON.
NOT_READ = frozenset({"model_attributes_type", "dict_type", "list_type", "model_type", "dataclass_type"})


def install(app: FastAPI) -> None:
    """Register the handlers of all error classes; the class nearest to the exception's own is used."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    for kind in (sqlalchemy_errors.SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        app.add_exception_handler(kind, _on_database_error)
    app.add_exception_handler(asyncio.TimeoutError, _on_database_error)
    app.add_exception_handler(NotConnected, _on_no_connection)
    app.add_exception_handler(Exception, _on_unexpected)


def problem_response(request: Request, problem: Problem) -> Response:
    return Response(problem.body(instance_of(request.scope)), problem.status, problem.headers, MEDIA_TYPE)


async def _on_problem(request: Request, error: Exception) -> Response:
    return problem_response(request, cast(Problem, error))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    error = cast(HTTPException, error)
    status, headers = error.status_code, dict(error.headers or {})
    detail = None if error.detail == phrase(status) else str(error.detail)
    if status == 405:
        headers["Allow"] = ", ".join(sorted(_allowed_methods(request)))
        detail = f"Method {request.method} is not allowed here; see the Allow header."
    elif status == 404 and "route" not in request.scope:
        detail = "No resource at this path."
    return problem_response(request, Problem(detail, status=status, headers=headers))


def _allowed_methods(request: Request) -> set[str]:
    """The methods of all routes at this path (RFC 9110, 15.5.6); Starlette names those of the first one only."""
    methods: set[str] = set()
    for context in iter_route_contexts(request.app.routes):
        pattern = getattr(context, "path_regex", None)
        if pattern is not None and pattern.match(route_path(request.scope)):
            methods |= context.methods or set()
    # HEAD is answered wherever GET is (app/middleware/head.py).
    return methods | {"HEAD"} if "GET" in methods else methods


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    faults = cast(RequestValidationError, error).errors()
    if _is_other_media_type(request, faults):
        given = request.headers.get("content-type")
        fault = f"Unsupported Content-Type {given}" if given else "The body has no Content-Type"
        detail = f"{fault}; send application/json."
        problem = Problem(detail, status=415, code="unsupported_media_type", headers={"Accept": "application/json"})
        return problem_response(request, problem)
    errors = list(_explain(faults))
    return problem_response(
        request, Unprocessable("The request is invalid; see `errors`.", code="invalid", errors=errors)
    )


def _is_other_media_type(request: Request, faults: Sequence[Any]) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json")):
        return False
    return any(fault["loc"] == ("body",) and fault["type"] in NOT_READ for fault in faults)


def _explain(faults: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Return pydantic's errors without the input: it may be a secret, or a NaN that JSON cannot hold."""
    for fault in faults:
        location, *path = fault["loc"]
        entry: dict[str, Any] = {"detail": str(fault["msg"]), "code": fault["type"]}
        if fault["type"] == "json_invalid":
            reason = fault.get("ctx", {}).get("error", "")
            entry |= {"pointer": "#", "detail": f"The body is not valid JSON at character {path[0]}: {reason}"}
        elif location in LOCATIONS:
            entry |= {"in": LOCATIONS[location], "parameter": ".".join(str(part) for part in path)}
        else:
            entry["pointer"] = "#" + "".join(f"/{_escape(str(part))}" for part in path)
        yield entry


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


async def _on_database_error(request: Request, error: Exception) -> Response:
    """Answer a database error. Raises any other error, and this service's own: a 500 with its traceback in the log."""
    fault = describe(error)
    if fault is None and isinstance(error, asyncpg_base.DataError):
        fault = Fault("")
    if fault is not None and fault.sqlstate in SHARED_STATEMENTS:
        return await _on_no_connection(request, NotConnected(getattr(error, "orig", None) or error))
    if fault is not None:
        problem = classify(fault, deleting=request.method == "DELETE")
        request.app.state.metrics.database_error(fault.sqlstate or "driver")
    else:
        problem = _outage(error)
        if problem is not None and problem.code == DATABASE_DOWN:
            request.app.state.metrics.database_error(UNABLE_TO_CONNECT)
    if problem is None:
        raise error
    if problem.status >= 500:
        sqlstate = fault.sqlstate if fault else None
        log.warning("database error", code=problem.code, sqlstate=sqlstate, error=repr(error)[:500])
    return problem_response(request, problem)


async def _on_no_connection(request: Request, error: Exception) -> Response:
    """Answer a failed connection: no statement of this service was at fault, whatever the server reports."""
    error = cast(NotConnected, error)
    problem = classify(Fault(error.sqlstate)) if error.sqlstate else None
    if problem is None or problem.status != 503:
        problem = Unavailable(DATABASE_DOWN_DETAIL, code=DATABASE_DOWN, retry_after=2)
    request.app.state.metrics.database_error(error.sqlstate or UNABLE_TO_CONNECT)
    log.warning("database not connected", code=problem.code, sqlstate=error.sqlstate or None, error=str(error)[:500])
    return problem_response(request, problem)


def _outage(error: Exception) -> Problem | None:
    """Return the problem of a database that does not answer; None for other errors of the same classes."""
    if isinstance(error, sqlalchemy_errors.TimeoutError):
        return Unavailable("All database connections are in use. Try again in a moment.", code="database_busy")
    cause: BaseException | None = error
    while isinstance(cause, sqlalchemy_errors.DBAPIError):
        cause = cause.orig or cause.__cause__
        if cause is not None and cause.__cause__ is not None:
            cause = cause.__cause__
    if isinstance(cause, asyncpg.InterfaceError) or (isinstance(cause, OSError) and _came_through(cause, "asyncpg")):
        return Unavailable(DATABASE_DOWN_DETAIL, code=DATABASE_DOWN, retry_after=2)
    return None


def _came_through(error: BaseException, package: str) -> bool:
    """Return True if `package` is in the traceback: a missing file or another service's timeout is an OSError too."""
    traceback = error.__traceback__
    while traceback is not None:
        if str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == package:
            return True
        traceback = traceback.tb_next
    return False


async def _on_unexpected(request: Request, _error: Exception) -> Response:
    # Starlette raises the error again after this answer; the outermost layer logs it.
    return problem_response(request, Problem("Internal error; see the log for this request id."))
