"""Changes of a resource's line, one for each row of the table of expand and contract, on a table with many rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

ROWS = 1_000_000
MAKER = "00000000-0000-0000-0000-0000000000aa"
LINES = (
    "maker: name:str(1..40); item: name:str(1..40) note:str(..20)? amount:decimal(10,2)>0 "
    "status:enum(new|paid|lost)=new code:str(..20)? legacy:int>=0"
)
FILL = (
    f"INSERT INTO makers (id, name) VALUES ('{MAKER}', 'Maker')",  # noqa: S608 - our own, as the next
    "INSERT INTO items (id, name, note, amount, status, code, legacy) "  # noqa: S608
    "SELECT lpad(to_hex(n), 32, '0')::uuid, 'Item ' || n, 'note', 2, 'new', 'c' || n, 1 "
    f"FROM generate_series(1, {ROWS}) AS n",
    "VACUUM ANALYZE items",
)
# The same table where each row belongs to the caller of a token for development.
OWNED_LINES = LINES.replace("item: ", "item: owner ")
OWNED_FILL = tuple(
    statement.replace("legacy) ", "legacy, owner_id) ").replace(", 1 FROM", ", 1, 'developer' FROM")
    for statement in FILL
)
ITEMS, THINGS, MAKERS = (f"/api/v1/{name}" for name in ("items", "things", "makers"))
ITEM: Mapping[str, object] = {"amount": "2.50", "legacy": 1}
Body = Mapping[str, object]


@dataclass(frozen=True)
class Case:
    """`task` makes the change. `control`: the statements of the plain revision, which Alembic alone writes.

    `old` and `new`: what the clients of each version send beside the name; both know the members `same`, each by the
    name of the old and of the new version. `new_path`: where the new version serves; it has no items if that is
    MAKERS. `corrected`: SQL of the owner, before the contract, for the rows of old code that a new rule forbids.
    `locks`: the control fails no request here, it keeps them waiting for a lock; a larger table makes them fail.
    """

    task: Sequence[str]
    old: Body = field(default_factory=lambda: ITEM)
    new: Body = field(default_factory=lambda: ITEM)
    same: Mapping[str, str] = field(default_factory=dict)
    control: Sequence[str] = ()
    new_path: str = ITEMS
    corrected: str = ""
    contract: bool = False
    locks: bool = False


def changed(expression: str, *options: str) -> tuple[str, ...]:
    return "resource.change", "item", expression, *options


CASES = {
    "add": Case(changed("+colour:str(..20)? +stock:int>=0=0"), new={**ITEM, "colour": "red", "stock": 3}),
    "add required": Case(
        changed("+size:int>=0", "--backfill", "size=0"),
        new={**ITEM, "size": 3},
        control=("ALTER TABLE items ADD COLUMN size integer NOT NULL",),
        contract=True,
    ),
    "remove": Case(
        changed("-note -legacy"),
        old={**ITEM, "note": "old"},
        new={"amount": "2.50"},
        control=("ALTER TABLE items DROP COLUMN note", "ALTER TABLE items DROP COLUMN legacy"),
        contract=True,
    ),
    "rename": Case(
        changed("note->remark"),
        old={**ITEM, "note": "by the old one"},
        new={**ITEM, "remark": "by the new one"},
        same={"note": "remark"},
        control=("ALTER TABLE items RENAME note TO remark",),
        contract=True,
    ),
    "widen": Case(
        changed("status:enum(+refunded) note:str(..60)? amount:decimal(12,2)>0"),
        old={**ITEM, "note": "short", "status": "paid"},
        new={**ITEM, "note": "a note that is longer than before", "status": "refunded"},
        same={"note": "note", "status": "status"},
        # It does not see the CHECK of the status.
        control=("ALTER TABLE items ALTER note TYPE varchar(60)", "ALTER TABLE items ALTER amount TYPE numeric(12,2)"),
    ),
    "narrow": Case(
        changed("status:enum(-lost) code:str(..10)? amount:decimal(8,2)>1", "--map", "status:lost=new"),
        old={**ITEM, "amount": "0.50", "status": "lost", "code": "longer than before"},
        new={**ITEM, "status": "paid", "code": "short"},
        same={"status": "status", "code": "code"},
        control=("ALTER TABLE items ALTER code TYPE varchar(10)", "ALTER TABLE items ALTER amount TYPE numeric(8,2)"),
        corrected="UPDATE items SET code = left(code, 10), amount = 2 WHERE char_length(code) > 10 OR amount <= 1",
        contract=True,
    ),
    "retype": Case(
        changed("legacy->former:bigint>=0"),
        new={"amount": "2.50", "former": 7},
        same={"legacy": "former"},
        control=("ALTER TABLE items ALTER legacy TYPE bigint", "ALTER TABLE items RENAME legacy TO former"),
        contract=True,
    ),
    "unique": Case(
        changed("+unique(name, code)"),
        control=("ALTER TABLE items ADD CONSTRAINT plain UNIQUE (name, code)",),
        locks=True,
    ),
    "reference": Case(
        changed("+maker:ref(maker)? +seller:ref(maker)? +buyer:ref(maker)?"),
        new={**ITEM, "maker_id": MAKER, "buyer_id": MAKER},
        control=tuple(
            statement.format(name)
            for name in ("maker_id", "seller_id", "buyer_id")
            for statement in (
                "ALTER TABLE items ADD COLUMN {} uuid",
                "ALTER TABLE items ADD FOREIGN KEY ({}) REFERENCES makers (id)",
                "CREATE INDEX ON items ({}, id)",
            )
        ),
        locks=True,
    ),
    "index": Case(
        changed("+index(note, amount) +index(code, name) +index(status, code) +index(name, amount)"),
        control=tuple(
            f"CREATE INDEX ON items ({columns})"
            for columns in ("note, amount, id", "code, name, id", "status, code, id", "name, amount, id")
        ),
        locks=True,
    ),
    "rename resource": Case(
        ("resource.rename", "item", "thing"),
        control=("ALTER TABLE items RENAME TO things",),
        new_path=THINGS,
        contract=True,
    ),
    "remove resource": Case(
        ("resource.remove", "item"),
        new={},
        control=("DROP TABLE items",),
        new_path=MAKERS,
        contract=True,
    ),
}
OWNER_CASES = {
    "owner comes": Case(
        changed("+owner", "--backfill", "owner_id='developer'"),
        control=("ALTER TABLE items ADD COLUMN owner_id varchar(255) NOT NULL",),
        contract=True,
    ),
    "owner goes": Case(
        changed("-owner"),
        control=("ALTER TABLE items DROP COLUMN owner_id",),
        contract=True,
    ),
}
