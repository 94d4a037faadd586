"""The policy on small plans: each kind of rule accepts what it should, and names what it refuses."""

import json
from collections.abc import Mapping, Sequence

import pytest

from toolkit.deploy.infrastructure import policy, rules
from toolkit.deploy.outcomes import Failed

DATABASE = {
    "publicly_accessible": False,
    "storage_encrypted": True,
    "deletion_protection": True,
    "skip_final_snapshot": False,
    "backup_retention_period": 7,
}
OPEN = {"cidr_ipv4": "0.0.0.0/0", "from_port": 443, "to_port": 443}


def plan(type_: str, after: object, actions: Sequence[str] = ("create",), configuration: object = None) -> str:
    change = {"actions": list(actions), "after": after}
    item = {"address": f"{type_}.x", "type": type_, "mode": "managed", "change": change}
    return json.dumps({"resource_changes": [item], "configuration": configuration or {}})


@pytest.mark.parametrize(
    ("type_", "after", "words"),
    [
        ("aws_db_instance", DATABASE, None),
        ("aws_db_instance", {**DATABASE, "publicly_accessible": True}, "publicly_accessible is true; expected false"),
        ("aws_db_instance", {**DATABASE, "publicly_accessible": 0}, "publicly_accessible is 0; expected false"),
        ("aws_db_instance", {**DATABASE, "storage_encrypted": None}, "storage_encrypted is not set; expected true"),
        ("aws_db_instance", {**DATABASE, "backup_retention_period": 6}, "is 6; expected at least 7"),
        ("aws_db_instance", {**DATABASE, "backup_retention_period": True}, "is true; expected at least 7"),
        ("aws_vpc_security_group_ingress_rule", OPEN, None),
        ("aws_vpc_security_group_ingress_rule", {**OPEN, "from_port": 22, "to_port": 22}, "port 22 is open"),
        ("aws_vpc_security_group_ingress_rule", {**OPEN, "from_port": 80}, "port 80 is open"),
        ("aws_vpc_security_group_ingress_rule", {**OPEN, "from_port": None, "to_port": None}, "port not set is open"),
        ("aws_vpc_security_group_ingress_rule", {"cidr_ipv4": "10.0.0.0/8", "from_port": 22, "to_port": 22}, None),
        (
            "aws_security_group_rule",
            {"type": "ingress", "cidr_blocks": ["0.0.0.0/0"], "from_port": 1},
            "port 1 is open",
        ),
        ("aws_security_group_rule", {"type": "egress", "cidr_blocks": ["0.0.0.0/0"], "from_port": 1}, None),
        ("aws_security_group", {"ingress": [{"cidr_blocks": ["0.0.0.0/0"], "from_port": 22}]}, "port 22 is open"),
        ("aws_lb_listener", {"protocol": "HTTPS"}, None),
        ("aws_lb_listener", {"protocol": "HTTP", "default_action": [{"type": "redirect"}]}, None),
        ("aws_lb_listener", {"protocol": "HTTP", "default_action": [{"type": "forward"}]}, "answers plain HTTP"),
        (
            "google_storage_bucket_iam_binding",
            {"members": ["allAuthenticatedUsers"]},
            "member is allAuthenticatedUsers",
        ),
        ("google_cloud_run_v2_service_iam_member", {"member": "allUsers"}, "member is allUsers"),
        ("random_id", {"public": True}, None),
    ],
)
def test_a_rule(type_: str, after: Mapping[str, object], words: str | None) -> None:
    found = policy.faults(plan(type_, after))
    if words is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith(f"{type_}.x: ")
        assert words in found[0]


@pytest.mark.parametrize(
    ("actions", "refused"), [(["delete"], True), (["delete", "create"], True), (["update"], False), (["no-op"], False)]
)
def test_data_is_not_deleted(actions: list[str], refused: bool) -> None:
    after = None if actions == ["delete"] else DATABASE
    found = policy.faults(plan("aws_db_instance", after, actions))
    assert [fault.partition(";")[0] for fault in found] == (
        ["aws_db_instance.x: would be deleted, with its data"] if refused else []
    )
    assert policy.faults(plan("aws_lb_target_group", None, ["delete"])) == []


def companion(reference: str) -> dict[str, object]:
    bucket = {"address": "aws_s3_bucket.x", "type": "aws_s3_bucket"}
    others = [
        {"type": needs.companion, "expressions": {"bucket": {"references": [reference]}}}
        for needs in rules.COMPANIONS
        if needs.type == "aws_s3_bucket"
    ]
    return {"root_module": {"module_calls": {"inner": {"module": {"resources": [bucket, *others]}}}}}


def test_a_bucket_has_its_companions_in_a_module() -> None:
    assert policy.faults(plan("null_resource", {}, configuration=companion("aws_s3_bucket.x"))) == []
    found = policy.faults(plan("null_resource", {}, configuration=companion("aws_s3_bucket.other")))
    assert len(found) == 2
    assert found[0].startswith(
        "module.inner.aws_s3_bucket.x: has no aws_s3_bucket_server_side_encryption_configuration"
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"values": {}}'])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(Failed, match="PLAN_UNREADABLE"):
        policy.faults(text)


def test_every_rule_refuses_a_value_that_is_not_known() -> None:
    for type_, given in rules.RULES.items():
        for rule in given:
            assert rule.expected
            assert rule.expected == "none" or not rule.accepts(None), f"{type_}: {rule.path}"
