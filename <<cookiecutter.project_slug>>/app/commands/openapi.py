"""`python -m app openapi`: the OpenAPI document as JSON, that of the default settings."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from app.commands.defaults import service_of_defaults


def main(_: Sequence[str]) -> int:
    json.dump(service_of_defaults().openapi(), sys.stdout)
    return 0
