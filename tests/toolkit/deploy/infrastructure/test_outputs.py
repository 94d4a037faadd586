"""Keys of an environment from Terraform's outputs, and the outputs that are refused."""

import json

import pytest

from toolkit.deploy.infrastructure.outputs import keys_of
from toolkit.deploy.outcomes import Failed

KEYS = {"place": "machine", "hosts": ["deploy@203.0.113.7"], "ssh_config": None}


def outputs(value: object, **more: object) -> str:
    return json.dumps({"inventory": {"value": value, "type": "dynamic", "sensitive": False, **more}})


def test_the_keys_of_one_environment_without_empty_ones() -> None:
    text = outputs({"staging": KEYS, "production": {}})
    assert keys_of(text, "staging", "infra/aws") == {"place": "machine", "hosts": ["deploy@203.0.113.7"]}
    assert keys_of(text, "production", "infra/aws") == {}


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("{}", "OUTPUT_MISSING", "it has none; the state is empty"),
        ('{"bucket": {"value": "x"}}', "OUTPUT_MISSING", "it has: bucket"),
        (outputs({"staging": KEYS}, sensitive=True), "OUTPUT_SENSITIVE", "leave secrets out of it"),
        (outputs({"stagin": KEYS}), "OUTPUT_UNKNOWN_ENVIRONMENT", "did you mean stagin?"),
        (outputs({"x": KEYS}), "OUTPUT_UNKNOWN_ENVIRONMENT", "add it to `environments` in terraform.tfvars"),
        (outputs([KEYS]), "OUTPUT_UNREADABLE", "not a map {ENVIRONMENT: {KEY: VALUE}}"),
        (outputs({"staging": "x"}), "OUTPUT_UNREADABLE", "not a map"),
        ("[]", "OUTPUT_UNREADABLE", "not a JSON object"),
        ("Warning: x", "OUTPUT_UNREADABLE", "not JSON"),
    ],
)
def test_other_outputs_are_refused(text: str, code: str, words: str) -> None:
    with pytest.raises(Failed) as failed:
        keys_of(text, "staging", "infra/aws")
    assert failed.value.failure.code == code
    assert words in str(failed.value)
    assert failed.value.failure.hint
