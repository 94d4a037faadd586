"""Tasks of what Terraform makes: its checks, its plan, its outputs into the inventory; the log-in to its registry."""

from invoke import Collection, Context, task

from toolkit.tasks.project import project


@task(name="import", help={"from": "folder of a Terraform configuration, or a file with `terraform output -json`"})
def inventory_import(c: Context, env: str, from_: str = "", check: bool = False, diff: bool = False) -> None:
    """Write what Terraform made for ENV into deploy/inventory.yaml: the keys of its output `inventory`.

    --check only shows the difference (exit code 2 if there is one), --diff shows it and writes.
    """
    from toolkit.deploy.infrastructure import importing

    raise SystemExit(importing.run(project(c), env, from_, check=check, diff=diff))


@task(name="check")
def infra_check(c: Context) -> None:
    """Check infra/: format, validation and Terraform's own tests; needs no credentials."""
    from toolkit.deploy.infrastructure import terraform

    raise SystemExit(terraform.check(project(c)))


@task(name="plan", help={"out": "file for the plan, to apply it: terraform apply FILE"})
def infra_plan(c: Context, out: str = "") -> None:
    """Plan infra/ against its state; refuse a plan that makes data public, unencrypted or unprotected."""
    from toolkit.deploy.infrastructure import terraform

    raise SystemExit(terraform.plan(project(c), out))


infra = Collection("infra", infra_check, infra_plan)
inventory = Collection("inventory", inventory_import)


@task(name="login")
def registry_login(c: Context) -> None:
    """Log in to the image's registry at Google or Azure by the identity of the pipeline's job, in ID_TOKEN."""
    from toolkit.deploy.cli import logged_in

    raise SystemExit(logged_in(project(c)))


registry = Collection("registry", registry_login)
