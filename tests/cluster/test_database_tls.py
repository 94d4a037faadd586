"""A database with a private authority: `database_ca` brings it to the service's and the migration's pods."""

from pathlib import Path

import pytest

from tests.support.certificates import Authority, Signed
from tests.support.stage import Stage

DATA = "/var/lib/postgresql/data"


def put(stage: Stage, file: Path, name: str) -> None:
    """A file of the database's own, which only its user can read."""
    script = f'cat > {DATA}/{name} && chown "$(stat -c %u:%g {DATA})" {DATA}/{name} && chmod 600 {DATA}/{name}'
    stage.kubectl("exec", "-i", "postgres", "--", "sh", "-c", script, stdin=file.read_text())


def turn_tls_on(stage: Stage, server: Signed) -> None:
    put(stage, server.certificate, "server.crt")
    put(stage, server.key, "server.key")
    for statement in ("ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"):
        stage.sql(statement)


@pytest.mark.drill
def test_a_private_authority(actor: Stage, tmp_path: Path) -> None:
    ours, another = Authority(tmp_path, "ours"), Authority(tmp_path, "another")
    with actor.fresh() as stage:
        turn_tls_on(stage, ours.sign("server", "postgres"))
        for name, authority in (("ours", ours), ("another", another)):
            stage.kubectl("create", "configmap", name, f"--from-file=ca.crt={authority.certificate}")

        wrong = stage.deploy("v1", "-e", "database_ca.config_map=another")
        assert wrong.code != 0, wrong
        assert "the database's certificate was not accepted" in wrong.out, wrong

        right = stage.deploy("v1", "-e", "database_ca.config_map=ours")
        assert right.code == 0, right
        assert stage.http("/api/v1/products")["items"] == []
        encrypted = (
            "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'shop'"
        )
        assert stage.sql(encrypted) == "t"
