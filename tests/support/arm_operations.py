"""Long-running operations of the Azure of the tests."""

import time

from tests.support.arm_values import OPERATION_SECONDS, Answer, Object, Refused


class Operations:
    def __init__(self) -> None:
        self.found: dict[str, tuple[float, Refused | None, Object | None]] = {}

    def answer(self, name: str, *, by_status: bool) -> Answer:
        ready, error, result = self.found[name]
        if time.monotonic() < ready:
            return Answer(200, {"status": "InProgress"}) if by_status else Answer(202)
        if error and not by_status:
            raise error
        if error:
            return Answer(200, {"status": "Failed", **error.body})
        return Answer(200, {"status": "Succeeded"} if by_status else result)

    def begin(
        self, status: int, *, by_status: bool = False, error: Refused | None = None, result: Object | None = None
    ) -> Answer:
        name = f"op{len(self.found)}"
        self.found[name] = time.monotonic() + OPERATION_SECONDS, error, result
        return Answer(status, None, name, by_status)
