"""The running release, for probes and metrics. Imports no framework: /health answers before one is loaded."""

from __future__ import annotations

from app.core.config import Settings


def alive(settings: Settings) -> dict[str, str | None]:
    """Return the body of /health: the version and the digest of the image."""
    return {
        "status": "ok",
        "service": settings.service_name,
        "version": settings.version,
        "image_digest": settings.image_digest,
    }


def release(settings: Settings) -> dict[str, str]:
    """Return the release as OpenTelemetry's resource attributes, in Prometheus' spelling."""
    return {
        "service_name": settings.service_name,
        "service_version": settings.version,
        "deployment_environment_name": settings.environment,
        "image_digest": settings.image_digest or "",
    }


def quiet_paths(settings: Settings) -> frozenset[str]:
    """Return True for probes and scrapes: they would hide clients' requests in logs, metrics and traces."""
    return frozenset({"/health", "/ready", "/metrics", f"{settings.api_v1_str}/health"})
