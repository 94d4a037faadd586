"""The control of test_schemathesis.py: a service that does not do what its document says is found."""

from pathlib import Path

from tests.integration.test_schemathesis import schemathesis
from tests.support.service import running

# A service with one operation more, which fails for some of the requests that its document lets pass.
FAULTY = """
import sys
from app.api.routing import Router, include
from app.core.security import public
from app.server.draining import serve
from app.main import create_app

async def divide(number: int) -> int:
    return 10 // number

app = create_app()
router = Router()
router.add_api_route("/faulty", divide, dependencies=[public], operation_id="faulty")
include(app, [router], "/api/v1")
sys.exit(serve(app, app.state.settings, app.state.lifecycle))
"""


async def test_a_service_that_does_not_is_found_out(own_database: str, tmp_path: Path) -> None:
    with running(own_database, command=("-c", FAULTY), LOG_LEVEL="CRITICAL") as service:
        options = ("--include-path", "/api/v1/faulty", "-n", "50", "--phases", "coverage,fuzzing")
        code, report = await schemathesis(service.url, tmp_path, {}, *options)
    assert code == 1, report
    assert "number=0" in report
