"""Figures of requests from an instance's /metrics."""

from __future__ import annotations

from collections import Counter

from toolkit.deploy.places.values import Figures

DURATION = "http_server_request_duration_seconds"
ROUTE, STATUS = "http_route", "http_response_status_code"
# Requests of probes and of the toolkit itself: as many on an idle service as on a busy one.
OWN = frozenset({"/health", "/ready", "/metrics"})


def figures(text: str) -> Figures:
    """Return the requests that clients have made since the instance's start, from the exposition format. Pure.

    Raises ValueError for text in another format.
    """
    from prometheus_client.parser import text_string_to_metric_families

    requests, errors, buckets = 0, 0, Counter[float]()
    for family in text_string_to_metric_families(text):
        if family.name != DURATION:
            continue
        for sample in family.samples:
            if sample.labels.get(ROUTE) in OWN:
                continue
            count = int(sample.value)
            if sample.name == f"{DURATION}_count":
                requests += count
                errors += count if sample.labels[STATUS].startswith("5") else 0
            elif sample.name == f"{DURATION}_bucket":
                buckets[float(sample.labels["le"])] += count
    return Figures(requests, errors, dict(buckets))


def process_of(text: str) -> str:
    """Return what distinguishes the process that wrote this from its other instances: the time of its start. Pure."""
    name = "process_start_time_seconds "
    return next((line.removeprefix(name) for line in text.splitlines() if line.startswith(name)), "")
