"""The task definition of a release, its comparison with a live one, and the plan of a service."""

import json
from dataclasses import replace
from typing import Any

import pytest

from toolkit.deploy.inventory import load
from toolkit.deploy.inventory.ecs import EcsEnvironment
from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.changes import Changes
from toolkit.deploy.places.ecs import definition, plan, prerequisites, references
from toolkit.deploy.places.ecs.client import AwsError, Client
from toolkit.deploy.places.ecs.errors import explained
from toolkit.deploy.places.ecs.lock import Held, is_free, parsed
from toolkit.deploy.places.ecs.values import Deployment, Service, service_of, task_of
from toolkit.deploy.spec import ReleaseSpec, secrets_from

DIGEST = "sha256:" + "a" * 64
GIVEN: dict[str, Any] = {
    "place": "ecs",
    "account": "123456789012",
    "region": "eu-central-1",
    "cluster": "production",
    "service": "shop",
    "family": "shop",
    "execution_role": "arn:aws:iam::123456789012:role/shop",
    "log_group": "/ecs/shop",
    "bucket": "shop-releases",
    "url": "https://shop.example.com",
    "repository": "example/shop",
    "secret": {"store": "aws", "keys": {"DATABASE_URL": "shop/database#url", "TOKEN": "shop/token"}},
}
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/database-AbCdEf"


def environment(**keys: Any) -> EcsEnvironment:
    found: EcsEnvironment = load.validate("production", {**GIVEN, **keys})
    return found


def spec(**keys: Any) -> ReleaseSpec:
    return ReleaseSpec("shop", environment(**keys), DIGEST, mark="abc")


def rendered(**keys: Any) -> dict[str, Any]:
    return definition.render(spec(**keys), environment(**keys), {"DATABASE_URL": ARN + ":url::"})


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"cpu": 300}, "cpu: 300 is not a size of Fargate"),
        ({"cpu": 256, "memory": 4096}, "memory: 4096 MiB is not available with cpu 256; choose 512, 1024, 2048"),
        ({"cpu": 8192, "memory": 17408}, "choose 16384, 20480"),
        ({"url": None}, "url: required"),
        ({"secret": {"from_env": ["DATABASE_URL"]}}, "AWS Secrets Manager"),
        ({"account": "1234"}, "account"),
        ({"region": "Frankfurt"}, "region"),
        ({"drain_seconds": 100}, "Fargate allows 120 s"),
        ({"execution_role": "shop"}, "execution_role"),
        ({"clusters": "x"}, "did you mean cluster?"),
        ({"processes": {"nightly": {"command": ["count"], "schedule": "0 3 * * *"}}}, "scheduler_role: required for"),
        ({"processes": {"worker": {"command": ["work"], "grace_seconds": 121}}}, "Fargate allows 120 s"),
        ({"processes": {"worker": {"command": ["work"], "resources": {}}}}, "processes.worker.resources"),
        (
            {
                "processes": {"nightly": {"command": ["count"], "schedule": "0 3 1 * 1"}},
                "scheduler_role": "arn:aws:iam::123456789012:role/scheduler",
            },
            "processes.nightly.schedule: '0 3 1 * 1': EventBridge takes a day or a weekday",
        ),
    ],
)
def test_mistakes_in_the_inventory_are_named(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(Failed) as caught:
        environment(**keys)
    assert said in str(caught.value)


def test_account_without_quotes_is_twelve_digits() -> None:
    assert environment(account=123456789012).account == "123456789012"
    with pytest.raises(Failed):
        environment(account=12345678901)  # YAML has read 012345678901 as another number


def test_secrets_are_references_and_no_value_is_read() -> None:
    env = environment()
    assert secrets_from(env, {}) == {}
    app = definition.app_of(rendered())
    assert app["secrets"] == [{"name": "DATABASE_URL", "valueFrom": ARN + ":url::"}]
    assert "DATABASE_URL" not in {item["name"] for item in app["environment"]}


def test_rendering_is_stable_and_has_the_image_by_digest() -> None:
    made = rendered()
    assert json.dumps(made) == json.dumps(rendered())
    assert definition.digest_of(made) == DIGEST
    assert definition.mark_of(made) == "abc"
    assert {item["name"]: item["value"] for item in definition.app_of(made)["environment"]}["IMAGE_DIGEST"] == DIGEST


def test_defaults_of_ecs_are_no_difference() -> None:
    made = rendered()
    app = definition.app_of(made)
    live = {
        **made,
        "taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/shop:7",
        "revision": 7,
        "status": "ACTIVE",
        "compatibilities": ["EC2", "FARGATE"],
        "registeredAt": "2026-11-26",
        "volumes": [],
        "placementConstraints": [],
        "containerDefinitions": [
            {
                **app,
                "cpu": 0,
                "mountPoints": [],
                "volumesFrom": [],
                "systemControls": [],
                "portMappings": [{"containerPort": 8000, "hostPort": 8000, "protocol": "tcp"}],
                "environment": list(reversed(app["environment"])),
            }
        ],
    }
    assert definition.same(live, made)
    assert definition.diff(live, made) == ()


@pytest.mark.parametrize(
    "keys", [{"cpu": 512, "memory": 1024}, {"settings": {"LOG_LEVEL": "DEBUG"}}, {"task_role": GIVEN["execution_role"]}]
)
def test_every_other_value_is_a_difference(keys: dict[str, Any]) -> None:
    assert not definition.same(rendered(), rendered(**keys))
    assert definition.diff(rendered(), rendered(**keys))


def test_variable_added_by_hand_is_a_difference() -> None:
    live = json.loads(json.dumps(rendered()))
    live["containerDefinitions"][0]["environment"].append({"name": "EXTRA", "value": "1"})
    assert not definition.same(live, rendered())
    assert any("EXTRA" in line and line.startswith("-") for line in definition.diff(live, rendered()))


GOOD = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}, "maximumPercent": 200}
LIVE = Service(
    "shop", "arn", "ACTIVE", "arn:1", 2, 2, (Deployment("d", "PRIMARY", "arn:1", 2, 2, "COMPLETED", ""),), (), (),
    "ECS", "REPLICA", 0, configuration=GOOD,
)  # fmt: skip
WANTED = plan.Wanted({}, 2, "arn:1")


@pytest.mark.parametrize(
    ("service", "wanted", "parameters"),
    [
        (LIVE, WANTED, {}),
        (LIVE, replace(WANTED, revision="arn:2"), {"taskDefinition": "arn:2"}),
        (LIVE, replace(WANTED, replicas=3), {"desiredCount": 3}),
        # Auto scaling owns the number: it is never sent.
        (replace(LIVE, desired=7, running=7), replace(WANTED, replicas=None), {}),
        (replace(LIVE, desired=7), replace(WANTED, replicas=None, revision="arn:2"), {"taskDefinition": "arn:2"}),
        (replace(LIVE, configuration={**GOOD, "deploymentCircuitBreaker": {"enable": True, "rollback": True}}), WANTED,
         {"deploymentConfiguration": GOOD}),
        # ECS starts no task of a failed deployment any more.
        (replace(LIVE, deployments=(Deployment("d", "PRIMARY", "arn:1", 2, 0, "FAILED", ""),)), WANTED,
         {"forceNewDeployment": True}),
    ],
)  # fmt: skip
def test_only_what_differs_is_sent(service: Service, wanted: plan.Wanted, parameters: dict[str, Any]) -> None:
    assert plan.parameters(service, wanted) == parameters
    assert bool(plan.changes(service, wanted)) is bool(parameters)


@pytest.mark.parametrize(
    ("policy", "trusted"),
    [
        ({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}, True),
        ({"Effect": "Allow", "Action": ["sts:AssumeRole"], "Principal": {"Service": ["a", "ecs-tasks.amazonaws.com"]}},
         True),
        ({"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}, False),
        ({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}, False),
        ({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}, False),
    ],
)  # fmt: skip
def test_roles_that_tasks_may_assume(policy: dict[str, Any], trusted: bool) -> None:
    assert prerequisites.trusts_tasks({"Statement": [policy]}) is trusted
    assert prerequisites.trusts_tasks(json.dumps({"Statement": policy})) is trusted


def table(gateway: dict[str, str], **association: Any) -> dict[str, Any]:
    return {"Associations": [association], "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", **gateway}]}


INTERNET, NAT = {"GatewayId": "igw-1"}, {"NatGatewayId": "nat-1"}


@pytest.mark.parametrize(
    ("tables", "public", "out"),
    [
        ([table(NAT, SubnetId="s")], False, True),
        ([table(INTERNET, SubnetId="s")], True, True),
        ([table(INTERNET, SubnetId="s")], False, False),  # an internet gateway needs a public address
        ([table(NAT, Main=True)], False, True),
        ([table(NAT, Main=True), table({"DestinationCidrBlock": "10.0.0.0/8"}, SubnetId="s")], False, False),
        ([], True, False),
    ],
)
def test_ways_out_of_a_subnet(tables: list[dict[str, Any]], public: bool, out: bool) -> None:
    assert prerequisites.has_way_out("s", tables, public=public) is out


def test_mark_is_of_the_versions() -> None:
    stages = {"v1": ["AWSPREVIOUS"], "v2": ["AWSCURRENT"]}
    assert references.current(stages) == "v2"
    assert references.mark_of({"A": "v1"}) != references.mark_of({"A": "v2"})


@pytest.mark.parametrize(
    ("text", "age", "gone", "free"),
    [
        ("{}", 0, False, True),  # released
        ("not JSON", 0, False, True),
        (json.dumps({"holder": "ada@host 1 2 n", "seconds": 60}), 59, False, False),
        (json.dumps({"holder": "ada@host 1 2 n", "seconds": 60}), 61, False, True),
        (json.dumps({"holder": "ada@host 1 2 n", "seconds": 60}), 1, True, True),  # a killed process of this host
    ],
)
def test_locks_that_may_be_taken(text: str, age: float, gone: bool, free: bool) -> None:
    assert is_free(parsed(text), age, gone=gone) is free
    assert parsed("{}") == Held()


def test_answers_are_parsed() -> None:
    service = service_of(
        {
            "serviceName": "shop",
            "serviceArn": "arn",
            "status": "ACTIVE",
            "deployments": [{"id": "d", "status": "PRIMARY", "taskDefinition": "arn:1", "rolloutState": "IN_PROGRESS"}],
            "loadBalancers": [{"targetGroupArn": "group", "containerName": "app", "containerPort": 8000}],
            "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}],
        }
    )
    assert service.primary
    assert service.primary.rollout == "IN_PROGRESS"
    assert service.launch == {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]}
    details = [{"name": "privateIPv4Address", "value": "10.0.0.1"}]
    task = task_of({"taskArn": "arn:task/x/1", "attachments": [{"details": details}], "containers": [{"name": "app"}]})
    assert (task.id, task.address, task.container("app").exit_code) == ("1", "10.0.0.1", None)


@pytest.mark.parametrize(
    ("code", "expected", "said"),
    [
        ("ExpiredTokenException", "CREDENTIALS_EXPIRED", "aws sso login"),
        ("ThrottlingException", "THROTTLED", "wait a minute"),
        ("NoCredentialsError", "NO_CREDENTIALS", "AWS_PROFILE"),
        ("EndpointConnectionError", "AWS_UNREACHABLE", "AWS_ENDPOINT_URL"),
        ("AccessDenied", "ACCESS_DENIED", "s3:ListBucket"),
        ("ClientException", "AWS_ERROR", "correct the cause"),
    ],
)
def test_refused_calls_are_explained(code: str, expected: str, said: str) -> None:
    failure = explained(AwsError("s3", "list_objects_v2", code, "because")).failure
    assert failure.code == expected
    assert said in failure.hint
    assert "because" in str(failure)


def test_missing_client_is_one_line_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without uv, and with one that cannot install boto3: the reason is the script's own."""
    monkeypatch.setattr("toolkit.dev.bootstrap.find_uv", lambda _: None)
    with pytest.raises(Failed) as caught:
        Client("eu-central-1", Changes()).read("sts", "get_caller_identity")
    assert (caught.value.failure.code, caught.value.failure.hint) == ("AWS_CLIENT", "pip install uv")
    monkeypatch.setattr("toolkit.dev.bootstrap.find_uv", lambda _: "/bin/false")
    with pytest.raises(Failed) as caught:
        Client("eu-central-1", Changes()).read("sts", "get_caller_identity")
    assert caught.value.failure.code == "AWS_CLIENT"
    assert "uv run --quiet --script" in caught.value.failure.hint


def test_change_while_only_looking_is_a_bug() -> None:
    changes = Changes()
    with changes.reading(), pytest.raises(AssertionError):
        Client("eu-central-1", changes).change("ecs", "update_service")
