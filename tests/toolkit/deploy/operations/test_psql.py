"""The psql command of a tunnel: the password is in a file, and every value arrives as it is."""

import shlex
from pathlib import Path

import pytest

from toolkit.deploy.operations import psql
from toolkit.deploy.places.values import Tunnel

FILE = Path("/tmp/x/pgpass")  # noqa: S108 - only a name


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "postgresql://shop:secret@db.example.com:5433/shop",
            "host=db.example.com hostaddr=127.0.0.1 port=9 user=shop dbname=shop",
        ),
        ("postgresql://db/shop", "host=db hostaddr=127.0.0.1 port=9 dbname=shop"),
        ("postgresql://a%40b:x@[::1]:5432/s%20p", "host=::1 hostaddr=127.0.0.1 port=9 user=a@b dbname='s p'"),
        (
            "postgresql://u:p@a:1,b:2/d?sslmode=require",
            "host=a hostaddr=127.0.0.1 port=9 user=u dbname=d sslmode=require",
        ),
        ("postgresql://u@h/d?password=secret", "host=h hostaddr=127.0.0.1 port=9 user=u dbname=d"),
        # The name is verified against the certificate, but only where the CA is one of this machine's.
        (
            "postgresql://u@h/d?sslmode=verify-full",
            "host=h hostaddr=127.0.0.1 port=9 user=u dbname=d sslmode=verify-full",
        ),
        (
            "postgresql://u@h/d?sslmode=verify-full&sslrootcert=/etc/ca.crt",
            "host=h hostaddr=127.0.0.1 port=9 user=u dbname=d sslmode=require",
        ),
    ],
)
def test_the_command_leads_through_the_tunnel(url: str, words: str) -> None:
    line = psql.command(url, 9, FILE)
    assert "secret" not in line
    assert shlex.split(line) == [f"PGPASSFILE={FILE}", "psql", words]


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://u:a%3Ab%5Cc@h/d", r"a\:b\\c"),
        ("postgresql://u@h/d?password=x%20y", "x y"),
        ("postgresql://u@h/d", ""),
    ],
)
def test_the_password_is_escaped_as_libpq_reads_it(url: str, password: str) -> None:
    assert psql.passfile(url) == f"*:*:*:*:{password}\n"


def test_the_file_is_private_and_short_lived() -> None:
    tunnel = Tunnel(9, "postgresql://u:secret@h/d")
    assert "secret" not in repr(tunnel)
    with psql.credentials(tunnel) as line:
        path = Path(shlex.split(line)[0].removeprefix("PGPASSFILE="))
        assert path.read_text() == "*:*:*:*:secret\n"
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()
