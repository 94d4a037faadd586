"""Further processes of a release: each worker is an ECS service of its own, made and updated with the release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.deploy.places.values import Process

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.place import EcsPlace
    from toolkit.deploy.places.operations import Undo


class Processes:
    def __init__(self, place: EcsPlace) -> None:
        self.place = place

    def scale(self, name: str, count: int) -> Undo:
        raise AssertionError(name, count)

    def states(self) -> tuple[Process, ...]:
        return ()
