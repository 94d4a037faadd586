"""Rules that a plan of Terraform must keep: nothing public that should not be, encryption, protection of data. Pure.

A rule reads what the plan says. A value that is not known before the apply is not accepted: it must be written down.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from toolkit.deploy.infrastructure import rules
from toolkit.deploy.outcomes import fail

EVERYONE = ("allUsers", "allAuthenticatedUsers")


@dataclass(frozen=True)
class Resource:
    """A planned resource: `values` after the apply, `actions` create, update, delete or no-op."""

    address: str
    type: str
    actions: tuple[str, ...]
    values: Mapping[str, object]


def faults(text: str) -> list[str]:
    """Return a line for each broken rule, `ADDRESS: what is wrong`; `text` is that of `terraform show -json PLAN`."""
    plan = _plan(text)
    found = []
    for resource in _resources(plan):
        found += [f"{resource.address}: {words}" for words in _of(resource)]
    return found + list(_lonely(plan))


def _of(resource: Resource) -> Iterator[str]:
    if "delete" in resource.actions and resource.type in rules.WITH_DATA:
        yield "would be deleted, with its data; remove it from the state first if that is meant"
    if resource.actions == ("delete",):
        return
    for rule in rules.RULES.get(resource.type, ()):
        value = at(resource.values, rule.path)
        if not rule.accepts(value):
            yield f"{rule.path} is {_shown(value)}; expected {rule.expected}"
    if resource.type.endswith(("_iam_member", "_iam_binding")):
        members = [resource.values.get("member"), *_list(resource.values.get("members"))]
        yield from (f"member is {member}; expected an account or a group" for member in members if member in EVERYONE)
    plain = resource.type == "aws_lb_listener" and resource.values.get("protocol") == "HTTP"
    if plain and at(resource.values, "default_action.0.type") != "redirect":
        yield "answers plain HTTP; expected a redirect to HTTPS"
    yield from _open_ports(resource)


def _open_ports(resource: Resource) -> Iterator[str]:
    """Check rules of AWS's security groups: the whole internet may reach the ports of a web server only."""
    given = [resource.values] if resource.type in rules.INGRESS_RULES else []
    given += [item for item in _list(resource.values.get("ingress")) if isinstance(item, Mapping)]
    if resource.type == "aws_security_group_rule" and resource.values.get("type") != "ingress":
        return
    for values in given if resource.type in (*rules.INGRESS_RULES, "aws_security_group") else ():
        sources = {values.get("cidr_ipv4"), values.get("cidr_ipv6"), *_list(values.get("cidr_blocks"))}
        ports = {values.get("from_port"), values.get("to_port")}
        if sources & {"0.0.0.0/0", "::/0"} and not (len(ports) == 1 and ports <= {80, 443}):
            yield f"port {_shown(values.get('from_port'))} is open to the internet; expected 80 or 443 alone"


def _lonely(plan: Mapping[str, object]) -> Iterator[str]:
    """Return the resources without a companion that refers to them, such as a bucket without its encryption."""
    for path, module in _modules(_map(_map(plan.get("configuration")).get("root_module"))):
        resources = [_map(item) for item in _list(module.get("resources"))]
        for needs in rules.COMPANIONS:
            referring = {
                str(reference)
                for item in resources
                if item.get("type") == needs.companion
                for reference in _list(_map(_map(item.get("expressions")).get(needs.attribute)).get("references"))
            }
            for item in resources:
                if item.get("type") == needs.type and str(item.get("address")) not in referring:
                    yield f"{path}{item.get('address')}: has no {needs.companion}; expected one ({needs.reason})"


def _modules(module: Mapping[str, object], path: str = "") -> Iterator[tuple[str, Mapping[str, object]]]:
    yield path, module
    for name, call in _map(module.get("module_calls")).items():
        yield from _modules(_map(_map(call).get("module")), f"{path}module.{name}.")


def at(values: object, path: str) -> object:
    """Return the value at a path such as `settings.0.ip_configuration.0.ipv4_enabled`; None where there is none."""
    for part in path.split("."):
        if isinstance(values, Mapping):
            values = values.get(part)
        elif isinstance(values, list) and part.isdecimal() and int(part) < len(values):
            values = values[int(part)]
        else:
            return None
    return values


def _resources(plan: Mapping[str, object]) -> Iterator[Resource]:
    for item in map(_map, _list(plan.get("resource_changes"))):
        change = _map(item.get("change"))
        actions = tuple(str(action) for action in _list(change.get("actions")))
        if item.get("mode") == "managed":
            yield Resource(str(item.get("address")), str(item.get("type")), actions, _map(change.get("after")))


def _plan(text: str) -> Mapping[str, object]:
    hint = "write the plan with `terraform plan -out=FILE`, and give the output of `terraform show -json FILE`"
    try:
        plan = json.loads(text)
    except ValueError as error:
        raise fail("PLAN_UNREADABLE", "the plan is not JSON", str(error), hint=hint) from None
    if not isinstance(plan, dict) or "resource_changes" not in plan or "configuration" not in plan:
        raise fail("PLAN_UNREADABLE", "the JSON is not that of a plan with resources", hint=hint)
    return plan


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _shown(value: object) -> str:
    return "not set" if value is None else json.dumps(value)
