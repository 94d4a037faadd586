"""Requirements of a deploy to ECS, read from the account before any change, as `ecspresso verify` does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from toolkit.deploy.outcomes import Failed, Failure, Plan
from toolkit.deploy.places.ecs import references
from toolkit.deploy.places.ecs.definition import APP

if TYPE_CHECKING:
    from toolkit.deploy.inventory.ecs import EcsEnvironment
    from toolkit.deploy.places.ecs.calls import Calls
    from toolkit.deploy.places.ecs.references import References
    from toolkit.deploy.places.ecs.values import Service
    from toolkit.deploy.places.values import Variables

TASKS = "ecs-tasks.amazonaws.com"
BY_TERRAFORM = "create it by Terraform, or correct its name in deploy/inventory.yaml"
EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class EcsPrerequisites:
    name: str
    problems: tuple[Failure, ...]
    variables: Variables
    notes: tuple[str, ...] = ()
    denied: bool = False
    refused: Failed | None = None

    def plan(self) -> Plan:
        """Raises Failed with the only problem, or NOT_PREPARED with all of them."""
        if len(self.problems) == 1:
            raise Failed(self.problems[0])
        if self.problems:
            lines = tuple(f"{each.code}: {each.message}" for each in self.problems)
            hints = "; ".join(dict.fromkeys(each.hint for each in self.problems if each.hint))
            raise Failed(Failure("NOT_PREPARED", "the account is not prepared for this deploy", lines, hints))
        return Plan(note="; ".join((self.name, *self.notes)))


def problems(calls: Calls, environment: EcsEnvironment, found: References) -> tuple[list[Failure], list[str]]:
    """Return what is missing, and notes on what these credentials may not read."""
    bad = []
    notes = [f"{name} is rotated by AWS: tasks read its newest value" for name in found.rotating]
    live = calls.service(environment.service) if cluster(calls, environment) is None else None
    checks: Mapping[str, Callable[[], Failure | None]] = {
        "cluster": lambda: cluster(calls, environment),
        "service": lambda: service(environment, live) if cluster(calls, environment) is None else None,
        "execution role": lambda: role(calls, environment.execution_role, "execution_role"),
        "task role": lambda: role(calls, environment.task_role, "task_role") if environment.task_role else None,
        "log group": lambda: log_group(calls, environment.log_group),
        "bucket": lambda: bucket(calls, environment.bucket),
        "secrets": lambda: references.missing(found),
        "subnets": lambda: subnets(calls, environment, live) if live else None,
    }
    for name, check in checks.items():
        try:
            problem = check()
        except Failed as error:
            if error.failure.code != "ACCESS_DENIED" or name in ("cluster", "service", "secrets", "bucket"):
                raise
            notes.append(f"{name} not checked: {error.failure.hint}")
            continue
        if problem:
            bad.append(problem)
    return bad, notes


def cluster(calls: Calls, environment: EcsEnvironment) -> Failure | None:
    answer = calls.read("ecs", "describe_clusters", clusters=[environment.cluster])
    active = any(item.get("status") == "ACTIVE" for item in answer.get("clusters", ()))
    message = f"the cluster {environment.cluster} does not exist in {environment.region}"
    return None if active else Failure("CLUSTER_NOT_FOUND", message, (), BY_TERRAFORM)


def service(environment: EcsEnvironment, live: Service | None) -> Failure | None:
    """Check a service against the inventory. Pure."""
    name = f"the service {environment.service}"
    if live is None or live.status != "ACTIVE":
        message = f"{name} does not exist in the cluster {environment.cluster}"
        return Failure("SERVICE_NOT_FOUND", message, (), BY_TERRAFORM)
    if live.controller != "ECS":
        message = f"{name} is deployed by {live.controller}, not by ECS itself"
        hint = 'set `deployment_controller { type = "ECS" }` in Terraform, or deploy with `aws deploy`'
        return Failure("OTHER_CONTROLLER", message, (), hint)
    if live.scheduling != "REPLICA":
        return Failure("OTHER_SCHEDULING", f"{name} is a {live.scheduling} service", (), "create it with REPLICA")
    for balancer in live.load_balancers:
        if (balancer.container, balancer.port) != (APP, environment.port):
            message = f"{name} sends requests to {balancer.container}:{balancer.port}, and the container is "
            hint = f'set `container_name = "{APP}"` and `container_port = {environment.port}` in Terraform'
            return Failure("OTHER_CONTAINER", f"{message}{APP}:{environment.port}", (), hint)
    return None


def role(calls: Calls, arn: str, key: str) -> Failure | None:
    found = calls.found("iam", "get_role", RoleName=arn.rpartition("/")[2])
    if found is None:
        return Failure("ROLE_NOT_FOUND", f"{key}: {arn} does not exist", (), BY_TERRAFORM)
    if trusts_tasks(found["Role"].get("AssumeRolePolicyDocument")):
        return None
    hint = f"let {TASKS} assume it: sts:AssumeRole in its trust policy"
    return Failure("ROLE_NOT_ASSUMABLE", f"{key}: ECS tasks may not assume {arn}", (), hint)


def trusts_tasks(policy: object) -> bool:
    """Return True if a trust policy, as an object or as encoded JSON, lets ECS tasks assume the role. Pure."""
    document: Any = json.loads(unquote(policy)) if isinstance(policy, str) else policy or {}
    statements = document.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        services = _listed(principal.get("Service", []) if isinstance(principal, Mapping) else principal)
        actions = _listed(statement.get("Action", []))
        if (
            statement.get("Effect") == "Allow"
            and {TASKS, "*"} & set(services)
            and {"sts:AssumeRole", "sts:*"} & set(actions)
        ):
            return True
    return False


def _listed(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value] if isinstance(value, list) else []


def log_group(calls: Calls, name: str) -> Failure | None:
    answer = calls.read("logs", "describe_log_groups", logGroupNamePrefix=name)
    exists = any(item.get("logGroupName") == name for item in answer.get("logGroups", ()))
    return None if exists else Failure("LOG_GROUP_NOT_FOUND", f"the log group {name} does not exist", (), BY_TERRAFORM)


def bucket(calls: Calls, name: str) -> Failure | None:
    exists = calls.found("s3", "list_objects_v2", Bucket=name, MaxKeys=1) is not None
    return None if exists else Failure("BUCKET_NOT_FOUND", f"the bucket {name} does not exist", (), BY_TERRAFORM)


def subnets(calls: Calls, environment: EcsEnvironment, live: Service) -> Failure | None:
    """Check that the tasks' subnets exist, and have a way to the registry."""
    given = live.network.get("awsvpcConfiguration") or {}
    names = list(environment.subnets or given.get("subnets", ()))
    if not names:
        message = f"the service {live.name} has no subnets"
        return Failure("NO_SUBNETS", message, (), "set its network configuration (awsvpc) in Terraform")
    answer = calls.read("ec2", "describe_subnets", Filters=[{"Name": "subnet-id", "Values": names}])
    known = {str(item["SubnetId"]): str(item["VpcId"]) for item in answer.get("Subnets", ())}
    if missing := sorted(set(names) - known.keys()):
        return Failure("NO_SUBNETS", f"subnets do not exist: {', '.join(missing)}", (), BY_TERRAFORM)
    networks = sorted(set(known.values()))
    tables = calls.read("ec2", "describe_route_tables", Filters=[{"Name": "vpc-id", "Values": networks}])
    public = given.get("assignPublicIp") == "ENABLED"
    closed = [name for name in names if not has_way_out(name, tables.get("RouteTables", ()), public=public)]
    if closed and not endpoints(calls, networks, environment.region):
        hint = "add a NAT gateway, or VPC endpoints for ECR, S3, Secrets Manager and CloudWatch Logs"
        hint += "; with an internet gateway, set `assign_public_ip = true`" if not public else ""
        return Failure("NO_WAY_OUT", f"subnets have no way out: {', '.join(closed)}", (), hint)
    return None


def has_way_out(subnet: str, tables: Sequence[Mapping[str, Any]], *, public: bool) -> bool:
    """Return True if a subnet's default route leads out; an internet gateway needs public addresses. Pure."""

    def of(table: Mapping[str, Any], **wanted: object) -> bool:
        pairs = wanted.items()
        return any(all(item.get(key) == value for key, value in pairs) for item in table.get("Associations", ()))

    own = [table for table in tables if of(table, SubnetId=subnet)] or [
        table for table in tables if of(table, Main=True)
    ]
    for route in (route for table in own for route in table.get("Routes", ())):
        if route.get("DestinationCidrBlock") != EVERYWHERE or route.get("State", "active") != "active":
            continue
        if not str(route.get("GatewayId", "")).startswith("igw-") or public:
            return True
    return False


def endpoints(calls: Calls, networks: Sequence[str], region: str) -> bool:
    """Return True if the networks have an endpoint of the registry."""
    wanted = {"Name": "service-name", "Values": [f"com.amazonaws.{region}.ecr.dkr"]}
    here = {"Name": "vpc-id", "Values": list(networks)}
    return bool(calls.read("ec2", "describe_vpc_endpoints", Filters=[wanted, here]).get("VpcEndpoints"))
