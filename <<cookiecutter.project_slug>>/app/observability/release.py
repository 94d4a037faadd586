"""What runs here, as probes and metrics report it. Imports no framework: /health answers before there is one."""

from __future__ import annotations

from app.core.config import Settings


def alive(settings: Settings) -> dict[str, str | None]:
    """What /health says: what runs, by version and by the digest of its image."""
    return {
        "status": "ok",
        "service": settings.service_name,
        "version": settings.version,
        "image_digest": settings.image_digest,
    }


def release(settings: Settings) -> dict[str, str]:
    """What is running, by the resource attributes of OpenTelemetry in Prometheus' spelling."""
    return {
        "service_name": settings.service_name,
        "service_version": settings.version,
        "deployment_environment_name": settings.environment,
        "image_digest": settings.image_digest or "",
    }


def quiet_paths(settings: Settings) -> frozenset[str]:
    """Probes and scrapes: they would drown what clients see, in logs, metrics and traces alike."""
    return frozenset({"/health", "/ready", "/metrics", f"{settings.api_v1_str}/health"})
