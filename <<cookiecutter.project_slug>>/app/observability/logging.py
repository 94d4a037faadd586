"""Structured logs, one line per event, with the ids of the request and of its trace.

JSON to stdout in staging and production, coloured text on a developer's machine. The standard library's loggers
(uvicorn, SQLAlchemy, asyncio) have the same output. The access line bypasses structlog: it is written for every
request, and a chain of processors costs ten times as much as orjson.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypedDict

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from app.core.config import Settings
from app.request_context import REQUEST

_LINE = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


class Access(TypedDict):
    """Access log fields of one request; the time and the ids are added when it is written."""

    method: str
    path: str
    route: str
    status: int
    duration_ms: float
    client: str | None


AccessLog = Callable[[Access], None]


def add_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add the ids of the current request (a structlog processor)."""
    context = REQUEST.get()
    return event if context is None else {**context, **event}


def _json(event: EventDict, **_: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z).decode()


def configure_logging(settings: Settings) -> None:
    """Set up structlog and the standard library's root logger. Calling it again replaces the set-up."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        add_request,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        structlog.processors.StackInfoRenderer(),
    ]
    rendering: list[Processor]
    if settings.is_development:
        # Plain tracebacks: formatted ones take a second each to render, in the event loop.
        rendering = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stdout.isatty(),
                timestamp_key="timestamp",
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    else:
        # Without the local variables that structlog adds by default: they include passwords and tokens.
        tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        rendering = [
            structlog.processors.ExceptionRenderer(tracebacks),
            structlog.processors.JSONRenderer(serializer=_json),
        ]

    level = logging.getLevelNamesMapping()[settings.log_level]
    structlog.configure(
        processors=[*shared, structlog.stdlib.PositionalArgumentsFormatter(), *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=not settings.is_development,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        # app/middleware/outermost.py writes the access line; uvicorn would write another, 50 us a request.
        logging.getLogger(name).propagate = name != "uvicorn.access"


def access_log(settings: Settings) -> AccessLog | None:
    """Return the writer of access lines; None when LOG_LEVEL is above INFO.

    The ids of the request and the time are added here.
    """
    if settings.log_level not in ("DEBUG", "INFO"):
        return None
    if settings.is_development:
        return _console_access_log

    def write(fields: Access) -> None:
        line = {
            "timestamp": datetime.now(UTC),
            "level": "error" if fields["status"] >= 500 else "info",
            "event": "request",
            **(REQUEST.get() or {}),
            **fields,
        }
        # Read each time: a test that captures stdout replaces it. A line is one write, so lines do not interleave.
        out = sys.stdout.buffer
        out.write(orjson.dumps(line, default=str, option=_LINE))
        out.flush()

    return write


def _console_access_log(fields: Access) -> None:
    log = structlog.get_logger("app.access")
    text = f"{fields['method']} {fields['path']} -> {fields['status']}"
    log.info(text, duration_ms=fields["duration_ms"])
