# /// script
# requires-python = ">=3.11"
# dependencies = ["google-api-python-client>=2.202,<3"]
# ///
"""Check objects of Cloud Run against Google's published schema: {NAME: OBJECT} on the input, a line for each fault."""

import json
import sys
from pathlib import Path

import googleapiclient

DOCUMENT = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents" / "run.v1.json"
SCHEMAS = json.loads(DOCUMENT.read_text())["schemas"]
TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}


def faults(value, schema, path):
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"]]
    expected = TYPES.get(schema.get("type"), object)
    if not isinstance(value, expected):
        yield f"{path}: {value!r} is not of type {schema['type']}"
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from faults(item, schema["items"], f"{path}[{number}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            known = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
            if known is None:
                yield f"{path}.{key}: unknown"
            elif "Not supported by Cloud Run" in known.get("description", "")[:30]:
                yield f"{path}.{key}: not supported by Cloud Run"
            else:
                yield from faults(item, known, f"{path}.{key}")


def main():
    for name, content in json.load(sys.stdin).items():
        for fault in faults(content, {"$ref": content["kind"]}, name):
            print(fault)


if __name__ == "__main__":
    main()
