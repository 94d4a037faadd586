"""docs/openapi.json is that of the defaults, whatever a shell exports."""

import os
import subprocess
import sys

from tests.support.template import SERVICE

AMBIENT = {
    "PROJECT_NAME": "Ambient",
    "Description": "Ambient",
    "VERSION": "9.9.9",
    "API_V1_STR": "/ambient",
    "ROOT_PATH": "/ambient",
    "ENVIRONMENT": "production",
    "DOCS_ENABLED": "false",
    "DATABASE_URL": "no address",
    "METRICS_PORT": "9000",
    "PORT": "no port",
    "JWT_ALGORITHMS": "none",
}


def written(**ambient: str) -> str:
    environment = {"PATH": os.environ["PATH"], **ambient}
    done = subprocess.run(
        [sys.executable, "-m", "app", "openapi"],
        cwd=SERVICE,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_environment_is_no_part_of_the_document() -> None:
    document = written(**AMBIENT)
    assert document == written()
    assert "mbient" not in document
