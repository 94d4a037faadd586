"""Differences, names and verdicts that two platforms share."""

from typing import Any

import pytest

from toolkit.deploy.places.traffic import diffs, names
from toolkit.deploy.places.traffic.verdict import Verdict


@pytest.mark.parametrize(
    ("live", "wanted", "expected"),
    [
        ({"a": 1, "added": 2}, {"a": 3}, {"a": 1}),
        ({}, {"a": 3}, {}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 2}}, {"a": {"b": 1}}),
        ([{"image": "x", "name": "app", "added": 1}], [{"image": "y"}], [{"image": "x"}]),
        ([{"name": "GONE", "value": "1"}], [{"name": "NEW", "value": "2"}], [{"name": "GONE", "value": "1"}]),
        ([{"name": "http", "http": {"a": 1, "added": 2}}], [{"http": {"a": 2}}], [{"http": {"a": 1}}]),
        ([1, 2], [3], [1, 2]),
    ],
)
def test_what_a_platform_adds_is_no_difference(live: Any, wanted: Any, expected: Any) -> None:
    assert diffs.projected(live, wanted) == expected


def test_only_settings_of_the_release_are_shown() -> None:
    live = [{"env": [{"name": "LOG_LEVEL", "value": "INFO"}, {"name": "PASSWORD", "value": "s3cret"}, {"name": "X"}]}]
    wanted = [{"env": [{"name": "LOG_LEVEL", "value": "DEBUG"}, {"name": "PASSWORD", "secretRef": "password"}]}]
    diffs.mask(live, wanted)
    assert [item.get("value") for item in live[0]["env"]] == ["INFO", diffs.MASKED, None]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, ()),
        ({"a": 1}, {"a": 1}, ()),
        ({}, {"a": 1}, ("+{", '+  "a": 1', "+}")),
        ({"a": 1, "b": 2}, {"b": 2, "a": 3}, (" {", '-  "a": 1,', '+  "a": 3,', '   "b": 2')),
    ],
)
def test_diff(before: dict[str, Any], after: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert diffs.diff(before, after) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("shop-a", True), ("shop-a-2", True), ("shop-a-x", False), ("shop-ab", False), ("", False)]
)
def test_attempts_at_a_release(name: str, expected: bool) -> None:
    assert names.is_attempt(name, "shop-a") is expected


def test_a_hash_does_not_depend_on_the_order_of_keys() -> None:
    assert names.content_hash({"a": 1, "b": 2}) == names.content_hash({"b": 2, "a": 1})
    assert names.content_hash({"a": 1}) != names.content_hash({"a": 2})


def test_a_failure_page_has_each_line_once() -> None:
    found = Verdict("CRASH_LOOP", "it ended", "logs --env ENV", 17, ("no such file",))
    failure = found.failure("shop-a", ("| no such file", "| bye"), "staging").failure
    assert failure.evidence == ("revision shop-a", "exit code 17", "| no such file", "| bye")
    assert failure.hint == "logs --env staging"
    assert Verdict("X", "y", "").failure("shop-a", (), "").failure.evidence == ("revision shop-a",)
