"""Keys of an environment from `terraform output -json`. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from toolkit.deploy.outcomes import Failed, fail, nearest

NAME = "inventory"  # the output, {ENVIRONMENT: {KEY: VALUE}}
Keys = Mapping[str, object]


def keys_of(text: str, environment: str, source: str) -> Keys:
    """Return the keys of one environment. Raises Failed OUTPUT_*; `source` names the folder or file in messages."""
    outputs = _object(text, source)
    output = outputs.get(NAME)
    if not isinstance(output, Mapping) or "value" not in output:
        given = f"it has: {', '.join(sorted(outputs))}" if outputs else "it has none; the state is empty"
        hint = f"apply the configuration first (`terraform apply` in {source}), or add an output `{NAME}`"
        raise fail("OUTPUT_MISSING", f"{source} has no output `{NAME}`", given, hint=hint)
    if output.get("sensitive"):
        hint = "leave secrets out of it, and remove `sensitive`: its keys are committed in deploy/inventory.yaml"
        raise fail("OUTPUT_SENSITIVE", f"the output `{NAME}` of {source} is sensitive", hint=hint)
    environments = output["value"]
    if not isinstance(environments, Mapping) or not all(isinstance(keys, Mapping) for keys in environments.values()):
        raise _unexpected(source, f"the output `{NAME}` is not a map {{ENVIRONMENT: {{KEY: VALUE}}}}")
    if environment not in environments:
        known = [str(name) for name in environments]
        close = nearest(environment, known)
        hint = f"did you mean {close}?" if close else "add it to `environments` in terraform.tfvars, and apply"
        message = f"the output `{NAME}` of {source} has no environment {environment!r}"
        raise fail("OUTPUT_UNKNOWN_ENVIRONMENT", message, f"it has: {', '.join(known) or 'none'}", hint=hint)
    # Terraform writes an attribute that was left out as null.
    return {str(key): value for key, value in environments[environment].items() if value is not None}


def _object(text: str, source: str) -> Mapping[str, object]:
    try:
        outputs = json.loads(text)
    except ValueError as error:
        raise _unexpected(source, f"not JSON: {error}") from None
    if not isinstance(outputs, dict):
        raise _unexpected(source, "not a JSON object")
    return outputs


def _unexpected(source: str, reason: str) -> Failed:
    hint = "give the folder of a Terraform configuration, or a file with the output of `terraform output -json`"
    return fail("OUTPUT_UNREADABLE", f"the outputs of {source} cannot be used", reason, hint=hint)
