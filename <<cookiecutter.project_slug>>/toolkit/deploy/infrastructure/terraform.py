"""Terraform's own checks, and its plan with the policy; the same on a laptop and in the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from toolkit.deploy import process
from toolkit.deploy.infrastructure import policy
from toolkit.deploy.outcomes import Exit, fail
from toolkit.deploy.targets import guarded

FOLDER = "infra"
PLAN = "plan.tfplan"
AUTOMATION = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}

# No state and no credentials are needed.
CHECKS: Sequence[tuple[str, ...]] = (
    ("fmt", "-check", "-diff", "-recursive"),
    ("init", "-backend=false"),
    ("validate",),
    ("test",),
)


def check(project: Path) -> int:
    """Check format, names, types and Terraform's tests; nothing is read from the cloud."""
    return guarded(lambda: _check(project))


def plan(project: Path, output: str) -> int:
    """Plan against the state, without its lock, and apply the policy to the plan. `output`: a file for the plan."""
    return guarded(lambda: _plan(project, output))


def _check(project: Path) -> int:
    for folder in _folders(project):
        for arguments in CHECKS:
            _terraform(project, folder, arguments)
    return Exit.OK


def _plan(project: Path, output: str) -> int:
    for folder in _folders(project):
        file = output or PLAN
        _terraform(project, folder, ("init",))
        _terraform(project, folder, ("plan", "-lock=false", f"-out={file}"))
        shown = process.run(["terraform", "show", "-json", file], cwd=folder, env=AUTOMATION)
        if shown.code:
            hint = f"run `terraform show -json {file}` there"
            raise fail(
                "TERRAFORM_FAILED", f"{folder.relative_to(project)}: the plan cannot be read", shown.cause, hint=hint
            )
        found = policy.faults(shown.out)
        if found:
            hint = "correct the configuration; the rules are in toolkit/deploy/infrastructure/rules.py"
            raise fail("POLICY_BROKEN", f"the plan of {folder.relative_to(project)} is refused", *found, hint=hint)
        print(f"{folder.relative_to(project)}: the policy accepts the plan.")
    return Exit.OK


def _folders(project: Path) -> list[Path]:
    """Return the root modules. Raises Failed NO_INFRASTRUCTURE."""
    found = sorted({path.parent for path in (project / FOLDER).glob("*/*.tf")})
    if not found:
        hint = "python3 tasks.py template.update --answer infra=aws"
        raise fail("NO_INFRASTRUCTURE", f"this service has no {FOLDER}/", "`infra` in service.toml is none", hint=hint)
    return found


def _terraform(project: Path, folder: Path, arguments: Sequence[str]) -> None:
    where = folder.relative_to(project)
    print(f"{where}: terraform {' '.join(arguments)}", flush=True)
    code = process.follow(
        ["terraform", *arguments, *(() if arguments[0] == "fmt" else ("-no-color",))],
        lambda line: print(f"  {line}", flush=True),
        cwd=folder,
        env=AUTOMATION,
    )
    if code:
        hint = f"terraform fmt -recursive {where}" if arguments[0] == "fmt" else "correct what is shown above"
        raise fail(
            "TERRAFORM_FAILED", f"{where}: `terraform {' '.join(arguments)}` failed", f"exit code {code}", hint=hint
        )
