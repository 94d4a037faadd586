"""Options of the tasks `resource.*`: what the writer of revisions learns, or why they are invalid."""

import pytest

from toolkit.dev.migrations.intents import Intents
from toolkit.dev.resource_options import NONE, Given, OptionError, intents, unmapped
from toolkit.resources.line.parser import parse

BEFORE = parse("shop: name:str; order: total:int status:enum(new|lost) shop:ref(shop)")
AFTER = parse("shop: name:str; order: amount:int sku:str status:enum(new|closed) store:ref(shop)")
PURCHASE = parse("shop: name:str; purchase: amount:int sku:str status:enum(new|closed) store:ref(shop)")


def test_everything_at_once() -> None:
    given = Given(
        renames=("order.total=amount", "order.shop=store"),
        backfills=("order.sku='a=b'", "order.store=gen_random_uuid()"),
        maps=("order.status:lost=closed",),
    )
    assert intents(BEFORE, AFTER, given) == Intents(
        renamed_columns={("orders", "total"): "amount", ("orders", "shop_id"): "store_id"},
        backfills={("orders", "sku"): "'a=b'", ("orders", "store_id"): "gen_random_uuid()"},
        value_maps={("orders", "status"): {"lost": "closed"}},
    )
    assert str(given).startswith(" --rename order.total=amount --rename order.shop=store --backfill 'order.sku='")


def test_a_renamed_resource_has_its_new_table() -> None:
    found = intents(BEFORE, PURCHASE, Given(renames=("order=purchase", "purchase.total=amount")))
    assert found.renamed_tables == {"orders": "purchases"}
    assert found.renamed_columns == {("purchases", "total"): "amount"}


def test_after_a_conflict_the_former_line_is_unknown() -> None:
    """`--conflicts` has written the new line; the command that it names still says what was renamed."""
    given = Given(renames=("order/orderings=purchase", "purchase.total=amount"))
    found = intents(PURCHASE, PURCHASE, given)
    assert found.renamed_tables == {"orderings": "purchases"}
    assert found.renamed_columns == {("purchases", "total"): "amount"}


@pytest.mark.parametrize(
    ("before", "after", "given", "notes"),
    [
        (
            "r: a:enum(v|x|y|z)",
            "r: a:enum(x|v)",
            NONE,
            ["stops while rows of rs have `y` or `z`", "--map rs.a:y=x --map rs.a:z=x`"],
        ),
        ("r: a:enum(x|y|z)", "r: a:enum(x|y)", Given(maps=("r.a:z=y",)), []),
        ("r: a:enum(x|y|z)", "r: b:enum(x|z)", Given(renames=("r.a=b",)), ['migrate.new "map b" --map rs.b:y=x`']),
        ("r: a:enum(x|y|z)", "t: b:enum(x|z)", Given(renames=("r=t", "t.a=b")), ["--map ts.b:y=x`"]),
        ("r: a:enum(x|y)", "r: a:enum(y|x|z) b:enum(u|v)", NONE, []),
        ("r: a:enum(x|y)", "r: a:str", NONE, []),
    ],
)
def test_removed_values_without_a_map_are_noted(before: str, after: str, given: Given, notes: list[str]) -> None:
    older, newer = parse(before), parse(after)
    found = list(unmapped(older, newer, given, intents(older, newer, given)))
    assert len(found) == bool(notes)
    assert all(note in found[0] for note in notes)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Given(renames=("x",)), "`x` is invalid; expected RESOURCE.OLD=NEW"),
        (Given(renames=("order.totl=amount",)), "has no field `totl`; did you mean `total`?"),
        (Given(renames=("order.total=amunt",)), "has no field `amunt`; did you mean `amount`?"),
        (Given(renames=("order=shop",)), "expected the name of a former resource and one of today's"),
        (Given(backfills=("sku='x'",)), "expected FIELD=SQL"),
        (Given(backfills=("ordr.sku='x'",)), "unknown resource `ordr`; did you mean `order`?"),
        (Given(backfills=("order.nope='x'",)), "has no field `nope`"),
        (Given(maps=("order.status=x",)), "expected FIELD:old=new"),
        (Given(maps=("order.status:lost=close",)), "has no value `close`; did you mean `closed`?"),
        (Given(maps=("order.status:new=closed",)), "`new` is still a value"),
    ],
)
def test_an_invalid_option_is_refused(given: Given, message: str) -> None:
    with pytest.raises(OptionError) as raised:
        intents(BEFORE, AFTER, given)
    assert message in str(raised.value)
