"""Writes of the service: the template under its name, and annotations of other programs."""

from tests.toolkit.deploy.places.cloudrun.made import environment, web
from tests.toolkit.deploy.places.cloudrun.test_plan import NAME, live
from toolkit.deploy.places.cloudrun import render, rollout, service, state
from toolkit.deploy.places.cloudrun.state import Condition, Revision
from toolkit.deploy.places.traffic import targets

ENV = environment()


def body(
    now: state.Service | None, template: dict[str, object] | None, annotations: dict[str, str] | None = None
) -> dict:
    if now:
        now.content["metadata"]["resourceVersion"] = "7"
    return service._body(ENV, now, targets.settled(NAME), template, annotations)


def test_template_under_the_same_name_is_the_live_one() -> None:
    now = live(web(), targets.beside("shop-b", NAME))
    made = body(now, rollout.template_of(web(), NAME, None))
    assert made["spec"]["template"] == now.content["spec"]["template"]
    assert made["spec"]["template"]["spec"]["enableServiceLinks"] is False
    assert made["spec"]["traffic"] == [{"revisionName": NAME, "percent": 100}]
    assert made["metadata"]["resourceVersion"] == "7"


def test_template_of_an_existing_revision_is_its_own_specification() -> None:
    spec = {**web()["template"]["spec"], "enableServiceLinks": False}
    made = Revision(NAME, Condition("True"), Condition(), template={"spec": spec})
    assert rollout.template_of(web(), NAME, made)["spec"] == spec
    assert rollout.template_of(web(), NAME, None)["spec"] == web()["template"]["spec"]


def test_annotations_of_others_stay_and_ours_are_replaced() -> None:
    now = live(web(public=True), targets.settled(NAME))
    kept = body(now, None)["metadata"]["annotations"]
    assert kept[render.NO_IAM] == "true"  # a shift of the traffic leaves them alone
    made = body(now, None, web()["annotations"])["metadata"]["annotations"]
    assert render.NO_IAM not in made
    assert made["run.googleapis.com/x"] == "y"
