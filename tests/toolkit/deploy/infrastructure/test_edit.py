"""Keys set in the text of an inventory: every other line stays as it is."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from toolkit.deploy.infrastructure.edit import with_keys
from toolkit.deploy.outcomes import Failed

BEFORE = """\
# The environments.
all:
  replicas: 2  # of each

staging: # the first one
  # Required: the region.
  region: eu-west-1  # Ireland
  secret:
    # from the deployer
    from_env: [DATABASE_URL]
  settings:
    LOG_LEVEL: INFO

    # the last comment
production:
  confirm: true
"""
AFTER = """\
# The environments.
all:
  replicas: 2  # of each

staging: # the first one
  account: '123456789012'
  # Required: the region.
  region: eu-central-1  # Ireland
  secret: {store: aws, keys: {DATABASE_URL: shop/url}}
  settings:
    LOG_LEVEL: INFO

    # the last comment
production:
  confirm: true
"""
KEYS = {
    "account": "123456789012",
    "region": "eu-central-1",
    "secret": {"store": "aws", "keys": {"DATABASE_URL": "shop/url"}},
}


def test_comments_and_order_stay() -> None:
    assert with_keys(BEFORE, "staging", KEYS) == AFTER
    assert with_keys(AFTER, "staging", KEYS) == AFTER


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("staging:\n", "staging:\n  region: x\n"),
        ("staging:", "staging:\n  region: x\n"),
        ("staging:\n    replicas: 1\n", "staging:\n    region: x\n    replicas: 1\n"),
        ("staging:\n  region:\n  replicas: 1\n", "staging:\n  region: x\n  replicas: 1\n"),
        ("staging:\n  region: [a,\n    b]\n  x: 1\n", "staging:\n  region: x\n  x: 1\n"),
        ("staging:\n  region:\n  - a # c\n  - b\n\n# d\nx:\n", "staging:\n  region: x\n\n# d\nx:\n"),
        ("staging:\n  region: >-\n    a\n    b\nx:\n", None),
    ],
)
def test_layouts(before: str, after: str | None) -> None:
    made = with_keys(before, "staging", {"region": "x"})
    assert after is None or made == after
    assert yaml.safe_load(made)["staging"]["region"] == "x"


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("staging: {region: y}\n", "the block is written in braces"),
        ("all:\n", "the file has no such block"),
        ("all: {r: &r y}\nstaging:\n  region: *r\n", "the value of `region` is an alias"),
    ],
)
def test_a_layout_that_would_be_damaged_is_refused(before: str, words: str) -> None:
    with pytest.raises(Failed, match="INVENTORY_LAYOUT") as failed:
        with_keys(before, "staging", {"region": "x"})
    assert words in str(failed.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["region", "secret", "new", "settings"]), VALUES))
def test_what_is_written_is_read_back(keys: dict[str, object]) -> None:
    made = with_keys(BEFORE, "staging", keys)
    before, after = yaml.safe_load(BEFORE), yaml.safe_load(made)
    assert after == {**before, "staging": {**before["staging"], **keys}}
    assert set(BEFORE.splitlines()[:5]) <= set(made.splitlines())


def test_the_templates_own_inventory_can_be_edited() -> None:
    path = Path(__file__).resolve().parents[4] / "<<cookiecutter.project_slug>>" / "deploy" / "inventory.yaml"
    text = path.read_text().partition("# % else\n")[2].replace("# % ", "# ")
    made = with_keys(text, "production", {"region": "x"})
    assert [line for line in made.splitlines() if line not in text.splitlines()] == ["  region: x"]
