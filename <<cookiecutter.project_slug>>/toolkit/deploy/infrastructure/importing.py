"""The task `inventory.import`: keys of an environment from what Terraform made."""

from __future__ import annotations

import difflib
from pathlib import Path

from pydantic import ValidationError

from toolkit.deploy import process
from toolkit.deploy.infrastructure.edit import with_keys
from toolkit.deploy.infrastructure.outputs import Keys, keys_of
from toolkit.deploy.inventory import load
from toolkit.deploy.inventory.merge import merge
from toolkit.deploy.inventory.models import MODELS
from toolkit.deploy.outcomes import Exit, fail, nearest
from toolkit.deploy.targets import guarded


def run(project: Path, environment: str, source: str, *, check: bool, diff: bool) -> int:
    """Write the keys into deploy/inventory.yaml; with `check` nothing is written, and changes are exit code 2."""
    return guarded(lambda: _import(project, environment, source, check=check, diff=diff))


def _import(project: Path, environment: str, source: str, *, check: bool, diff: bool) -> int:
    if not source:
        raise fail("NO_SOURCE", "--from is missing", hint=f"inventory.import {environment} --from infra/aws")
    load.layers(project, environment, (), {})  # refuses an unknown environment
    keys = keys_of(_outputs(project, source), environment, source)
    path = project / load.FILE
    before = path.read_text("utf-8")
    after = with_keys(before, environment, keys)
    _validate(project, environment, keys, source)
    if after == before:
        print(f"{load.FILE} has the keys of {source} already: {', '.join(keys)}")
        return Exit.OK
    if diff or check:
        lines = difflib.unified_diff(
            before.splitlines(), after.splitlines(), f"a/{load.FILE}", f"b/{load.FILE}", lineterm=""
        )
        print("\n".join(lines))
    if check:
        return Exit.CHANGES
    path.write_text(after, "utf-8")
    print(f"{load.FILE}: the keys of {environment} are those of {source}: {', '.join(keys)}")
    print(f"Next: commit it, then  python3 tasks.py doctor {environment}")
    return Exit.OK


def _outputs(project: Path, source: str) -> str:
    """Return the outputs, of a saved file or of the state. Raises Failed OUTPUT_UNREADABLE, TOOL_MISSING."""
    path = project / source
    if path.is_file():
        return path.read_text("utf-8")
    if not path.is_dir():
        hint = "give the folder of a Terraform configuration, or a file with the output of `terraform output -json`"
        raise fail("OUTPUT_UNREADABLE", f"{source} does not exist", hint=hint)
    done = process.run(["terraform", "output", "-json", "-no-color"], cwd=path)
    if done.code:
        hint = f"in {source}: `terraform init`, then `terraform output -json` must succeed"
        raise fail("OUTPUT_UNREADABLE", f"terraform cannot read the outputs of {source}", *_said(done), hint=hint)
    return done.out


def _said(done: process.Done) -> tuple[str, ...]:
    return tuple(line for line in done.err.splitlines() if line.strip())[:10]


def _validate(project: Path, environment: str, keys: Keys, source: str) -> None:
    """Check the imported keys by the schema of the place. Raises Failed OUTPUT_INVALID; other keys are not judged."""
    given = merge((*load.layers(project, environment, (), {}), (source, keys)))
    place = str(given.get("place", load.DEFAULT))
    if place not in MODELS:
        raise fail(
            "OUTPUT_INVALID", f"{source} has an unknown place {place!r}", f"known: {', '.join(MODELS)}", hint=UPDATE
        )
    known = MODELS[place].model_fields
    faults = [f"{key}: not a key of place {place}{_close(key, list(known))}" for key in keys if key not in known]
    try:
        MODELS[place].model_validate(
            {**{key: value for key, value in given.items() if key in known}, "name": environment}
        )
    except ValidationError as error:
        for found in error.errors(include_url=False, include_input=False):
            if found["loc"] and found["loc"][0] in keys:
                where = ".".join(str(part) for part in found["loc"])
                faults.append(f"{where}: {found['msg'].removeprefix('Value error, ')}")
    if faults:
        raise fail("OUTPUT_INVALID", f"keys of {source} are not valid", *faults, hint=UPDATE)


UPDATE = "correct the output `inventory` of the configuration; docs/inventory.md lists every key"


def _close(key: str, known: list[str]) -> str:
    close = nearest(key, known)
    return f"; did you mean {close}?" if close else ""
