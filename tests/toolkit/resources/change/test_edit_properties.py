"""Any line becomes any other by a change."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.toolkit.resources.line.test_parser_properties import Resource, distinct, resources, written
from toolkit.resources.change.edit import edit
from toolkit.resources.line.parser import parse

TARGET = "target_of_all/targets_of_all: a:int"


def difference(old: Resource, new: Resource, *, rename: bool) -> tuple[str, dict[str, str]]:
    """Return the change from one set of fields to another, and the columns that it renames."""
    before, after = ({field.name: field for field in resource.fields} for resource in (old, new))
    gone, added = ([name for name in one if name not in other] for one, other in ((before, after), (after, before)))
    pairs = dict(zip(gone, added, strict=False)) if rename else {}
    items = [f"{was}->{written(after[now])}" for was, now in pairs.items()]
    items += [f"-{name}" for name in gone if name not in pairs]
    items += [written(field) for name, field in after.items() if name in before and field != before[name]]
    items += [f"+{written(after[name])}" for name in added if name not in pairs.values()]
    items += [] if old.owner == new.owner else ["+owner" if new.owner else "-owner"]
    return " ".join(items), pairs


@settings(max_examples=200, deadline=None)
@given(resources().filter(distinct), resources().filter(distinct), st.booleans())
def test_a_line_becomes_another(old: Resource, other: Resource, rename: bool) -> None:
    new = Resource(old.name, old.plural, other.fields, owner=other.owner)
    change, renamed = difference(old, new, rename=rename)
    if not change or not distinct(new):
        return
    line = f"{old.name}/{old.plural}: {' '.join([*map(written, old.fields), *['owner'] * old.owner])}"
    edited = edit([TARGET, line], old.name, change)
    _, found = parse(";\n".join(edited.lines))
    assert set(found.fields) == set(new.fields)
    assert found.owner is new.owner
    assert edited.renamed == renamed
