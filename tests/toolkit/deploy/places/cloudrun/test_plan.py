"""Changes of a release, and what is shown of them."""

import copy
from typing import Any

import pytest

from tests.toolkit.deploy.places.cloudrun.made import OTHER, web
from toolkit.deploy.places.cloudrun import ledger, plan, render, state
from toolkit.deploy.places.traffic import targets
from toolkit.deploy.places.traffic.targets import Traffic
from toolkit.deploy.records import GOOD, ReleaseRecord

KEPT = web()
NAME = render.revision_name("shop", KEPT)


def live(kept: dict[str, Any], traffic: Traffic) -> state.Service:
    """A service of that release, with what the platform adds."""
    template = copy.deepcopy(kept["template"])
    template["metadata"] |= {"name": render.revision_name("shop", kept), "creationTimestamp": None}
    template["spec"]["enableServiceLinks"] = False
    content = {
        "metadata": {
            "name": "shop",
            "generation": 3,
            "annotations": {**kept["annotations"], "run.googleapis.com/x": "y"},
        },
        "spec": {"template": template, "traffic": state.entries(traffic)},
    }
    return state.service(content)


def changes(service: state.Service | None, *, exists: bool) -> list[str]:
    return [str(change) for change in plan.changes("shop", service, KEPT, NAME, exists=exists)]


def test_nothing_to_do() -> None:
    assert changes(live(KEPT, targets.settled(NAME)), exists=True) == []


@pytest.mark.parametrize(
    ("service", "exists", "expected"),
    [
        (None, False, ["create service shop", f"create revision {NAME}", f"shift all requests to {NAME}"]),
        (
            live(web(OTHER), targets.settled("shop-b")),
            False,
            ["update service shop", f"create revision {NAME}", f"shift all requests to {NAME}"],
        ),
        (live(web(OTHER), targets.settled("shop-b")), True, ["update service shop", f"shift all requests to {NAME}"]),
        (live(KEPT, targets.beside("shop-b", NAME)), True, [f"shift all requests to {NAME}"]),
        (live(KEPT, targets.shared("shop-b", NAME, 100)), True, [f"shift all requests to {NAME}"]),
        (live(web(public=True), targets.settled(NAME)), True, ["update service shop"]),
    ],
)
def test_changes(service: state.Service | None, exists: bool, expected: list[str]) -> None:
    assert changes(service, exists=exists) == expected


def test_diff_shows_what_differs_and_no_value_of_another_program() -> None:
    other = copy.deepcopy(web(settings={"LOG_LEVEL": "DEBUG"}))
    variables = other["template"]["spec"]["containers"][0]["env"]
    variables.append({"name": "PASSWORD", "value": "s3cret"})
    next(item for item in variables if item["name"] == "DATABASE_URL").update(value="postgresql://s3cret")
    lines = plan.diff(
        plan.shown(live(other, targets.settled("shop-b")), KEPT),
        {"annotations": KEPT["annotations"], "template": KEPT["template"]},
    )
    text = "\n".join(lines)
    assert '"value": "DEBUG"' in text
    assert '"value": "INFO"' in text
    assert '"PASSWORD"' in text
    assert "s3cret" not in text
    assert "enableServiceLinks" not in text


def test_a_record_survives_its_packing() -> None:
    record = ReleaseRecord(3, "sha256:a", "shop@sha256:a", GOOD, "admin-api", objects=(KEPT,))
    assert ledger.unpacked(ledger.packed(record)) == record
    assert len(ledger.packed(record)) < 2500  # some dozens of them fit into 256 KiB
    assert ledger.unpacked("nonsense") is None
