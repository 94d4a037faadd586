"""The OpenAPI document held against the running service: schemathesis, with all of its checks and a random seed.

`SEED=1234 pytest tests/integration/test_schemathesis.py` repeats a run. With more time on your hands, and `dev`
running: `SCHEMATHESIS_HOOKS=tests/support/schemathesis_hooks.py schemathesis run http://127.0.0.1:8000/openapi.json
--checks all -n 1000`, with the caller's token in `-H`.
"""

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

from fastapi import FastAPI

from tests.support.identity import headers_for
from tests.support.service import running, unmeasured

# Enough for a few seconds, however many operations there are.
EXAMPLES = 40
# The limit, for a machine that is busy with twenty times as much.
SECONDS = 600
HOOKS = Path(__file__).resolve().parents[1] / "support" / "schemathesis_hooks.py"


async def schemathesis(url: str, folder: Path, headers: dict[str, str], *options: str) -> tuple[int, str]:
    """Exit code (1: it found something) and report. In a folder of its own: hypothesis remembers failures there."""
    seed = os.environ.get("SEED") or str(random.randrange(2**32))  # noqa: S311 - no secret
    print(f"SEED={seed}")
    program = str(Path(sys.executable).parent / "schemathesis")
    command = [program, "run", f"{url}/openapi.json", "--checks", "all", "--seed", seed, "--warnings", "off", *options]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    environment = {**unmeasured(), "SCHEMATHESIS_HOOKS": str(HOOKS)}
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


async def test_the_service_does_what_its_document_says(session_app: FastAPI, own_database: str, tmp_path: Path) -> None:
    operations = sum(len(entries) for entries in session_app.openapi()["paths"].values())
    examples = str(max(3, EXAMPLES // operations))
    with running(own_database, measured=False, LOG_LEVEL="ERROR") as service:
        code, report = await schemathesis(service.url, tmp_path, headers_for(app=session_app), "-n", examples)
        output = service.output()
    assert code == 0, report
    assert "Traceback" not in output, output
