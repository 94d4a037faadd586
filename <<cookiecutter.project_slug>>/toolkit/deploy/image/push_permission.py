"""Permission to push, checked with the registry itself: an upload is begun and cancelled."""

from __future__ import annotations

from toolkit.deploy.image import registry_client

ACCEPTED = 202


def try_push(repository: str) -> None:
    """Begin an upload and cancel it. Raises Failed IMG_DENIED, REGISTRY_UNREACHABLE, IMG_NOT_FOUND."""
    client = registry_client.connect(repository)
    answer = client.ask("POST", "/blobs/uploads/")
    if answer.status != ACCEPTED:
        raise client.refusal(answer)
    client.ask("DELETE", answer.headers.get("Location", ""))
