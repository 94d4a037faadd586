"""The meaning of resource lines, and the faults of invalid ones."""

import pytest

from toolkit.resources.line.model import Check, Field, Group, Names, Resource, by_reference
from toolkit.resources.line.parser import ResourceErrors, parse


def fields_of(text: str) -> dict[str, Field]:
    (resource,) = parse(text)
    return {field.name: field for field in resource.fields}


def faults_of(text: str, known: tuple[Resource, ...] = ()) -> list[tuple[int, str, str]]:
    with pytest.raises(ResourceErrors) as raised:
        parse(text, known)
    return [(fault.position, fault.subject, fault.message) for fault in raised.value.faults]


def test_catalogue() -> None:
    line = (
        "product: name:str(1..100) description:str(..500)? price:decimal(10,2)>0 stock:int>=0=0 is_available:bool=true"
    )
    assert parse(line) == (
        Resource(
            "product",
            "products",
            (
                Field("name", "str", min_length=1, max_length=100),
                Field("description", "str", nullable=True, max_length=500),
                Field("price", "decimal", checks=(Check(">", "0"),), precision=10, scale=2),
                Field("stock", "int", checks=(Check(">=", "0"),), default="0"),
                Field("is_available", "bool", default="true"),
            ),
        ),
    )
    assert parse(line)[0].line == line


def test_orders() -> None:
    line = "order: user_id:uuid status:enum(pending|paid|shipped|cancelled)=pending total_amount:decimal(12,2)>=0"
    values = ("pending", "paid", "shipped", "cancelled")
    assert parse(line) == (
        Resource(
            "order",
            "orders",
            (
                Field("user_id", "uuid"),
                Field("status", "enum", values=values, default="pending"),
                Field("total_amount", "decimal", checks=(Check(">=", "0"),), precision=12, scale=2),
            ),
        ),
    )


def test_shop_of_several_resources() -> None:
    text = """
        category/categories: name:str(1..50)!
        ; item: category:ref(category) sku:str(3..20)! added:date data:json? seller:ref(person)?
        ; person/people: email:str(3..254)! born:date? boss:ref(person)?;
    """
    category, item, person = parse(text)
    assert [part.ref for part in item.references] == [Names("category", "categories"), Names("person", "people")]
    assert [part.name for part in item.references] == ["category_id", "seller_id"]
    assert (person.table, person.url, person.class_name) == ("people", "people", "Person")
    assert by_reference((category, item, person)) == (category, person, item)


def test_resource_added_to_known_ones() -> None:
    known = parse("product: name:str")
    (review,) = parse("review: product:ref(product) stars:int>=1<=5 text:text?", known)
    assert review.fields[0] == Field("product_id", "ref", ref=Names("product", "products"))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("a:str", Field("a", "str", max_length=255)),
        ("a:str( 1 .. 9 )", Field("a", "str", min_length=1, max_length=9)),
        ("a:enum( x | y )", Field("a", "enum", values=("x", "y"))),
        ("a:decimal(3, 0)", Field("a", "decimal", precision=3, scale=0)),
        ("a:int?!>=0", Field("a", "int", nullable=True, unique=True, checks=(Check(">=", "0"),))),
        ("a:int>=0!?", Field("a", "int", nullable=True, unique=True, checks=(Check(">=", "0"),))),
        ("a: int", Field("a", "int")),
        ("a:int=-007", Field("a", "int", default="-7")),
        ("a:int=-0", Field("a", "int", default="0")),
        ("a:int=2147483647", Field("a", "int", default="2147483647")),
        ("a:bigint=-9223372036854775808", Field("a", "bigint", default="-9223372036854775808")),
        ("a:decimal(4,2)=1.500", Field("a", "decimal", precision=4, scale=2, default="1.5")),
        ("a:float>0.5=.75".replace("=.", "=0."), Field("a", "float", checks=(Check(">", "0.5"),), default="0.75")),
        ("a:float>=1<=1", Field("a", "float", checks=(Check(">=", "1"), Check("<=", "1")))),
        ('a:str=""', Field("a", "str", max_length=255, default="")),
        ('a:str="x y; \\"z\\" \\\\ ="', Field("a", "str", max_length=255, default='x y; "z" \\ =')),
        ("a:text=héllo", Field("a", "text", default="héllo")),
        ("a:datetime=now", Field("a", "datetime", default="now")),
        ("a:datetime=2026-01-31T12:00:00+02:00", Field("a", "datetime", default="2026-01-31T10:00:00Z")),
        ("a:date?=2024-02-29", Field("a", "date", nullable=True, default="2024-02-29")),
        (
            "a:uuid=00000000-0000-0000-0000-00000000000A",
            Field("a", "uuid", default="00000000-0000-0000-0000-00000000000a"),
        ),
        ("a_id:ref(r)?", Field("a_id", "ref", nullable=True, ref=Names("r", "rs"))),
        ("a:ref(r)?!", Field("a_id", "ref", nullable=True, unique=True, ref=Names("r", "rs"))),
        ("a:ref(r, restrict)?", Field("a_id", "ref", nullable=True, ref=Names("r", "rs"))),
        ("a:ref( r ,cascade )?", Field("a_id", "ref", nullable=True, ref=Names("r", "rs"), on_delete="cascade")),
        ("a:ref(r, null)?", Field("a_id", "ref", nullable=True, ref=Names("r", "rs"), on_delete="null")),
        ("unique:bool", Field("unique", "bool")),
        ("index:int?", Field("index", "int", nullable=True)),
    ],
)
def test_field(text: str, field: Field) -> None:
    assert fields_of(f"r: {text}") == {field.name: field}


@pytest.mark.parametrize(
    ("text", "groups", "line"),
    [
        ("a:int b:str unique(a, b)", [Group(("a", "b"), True)], "r: a:int b:str unique(a,b)"),
        ("index( b,\n a) a:int b:str", [Group(("b", "a"), False)], "r: index(b,a) a:int b:str"),
        (
            "a:ref(r)? b:ref(r, null)? unique (a,b) index(b_id, a_id)",
            [Group(("a_id", "b_id"), True), Group(("b_id", "a_id"), False)],
            "r: a:ref(r)? b:ref(r,null)? unique(a,b) index(b_id,a_id)",
        ),
        (
            "unique:bool index:int unique(unique, index) index(index, unique)",
            [Group(("unique", "index"), True), Group(("index", "unique"), False)],
            "r: unique:bool index:int unique(unique,index) index(index,unique)",
        ),
        ("a:int! b:int index(a, b)", [Group(("a", "b"), False)], "r: a:int! b:int index(a,b)"),
        ("a:enum(x|y) b:ref(r)? unique(a,b)", [Group(("a", "b_id"), True)], "r: a:enum(x|y) b:ref(r)? unique(a,b)"),
    ],
)
def test_groups(text: str, groups: list[Group], line: str) -> None:
    (resource,) = parse(f"r: {text}")
    assert list(resource.groups) == groups
    assert resource.line == line
    assert parse(resource.line) == (resource,)


def test_which_fields_a_test_varies() -> None:
    (resource,) = parse(
        "r: a:int b:bool c:int>=1<=5 d:ref(r)? e:str(..2) f:int! g:date index(a, g) "
        "unique(a, b) unique(c, d) unique(e, b)"
    )
    assert [field.name for field in resource.varied] == ["a", "e", "f"]
    assert [resource.freed(group) for group in resource.uniques] == ["a", "d_id", "e"]
    assert [resource.separable(group) for group in resource.uniques] == [True, True, True]


def test_a_test_counts_through_small_fields() -> None:
    (resource,) = parse("r: a:bool b:enum(x|y|z) c:int>=1<=24 d:date? e:str unique(a, b, c) unique(e, a)")
    assert [field.name for field in resource.varied] == ["e"]
    assert resource.digits == {"c": 1, "b": 24, "a": 72}
    assert [resource.freed(group) for group in resource.uniques] == ["c", "e"]
    assert [resource.separable(group) for group in resource.uniques] == [True, False]


def test_groups_that_a_test_cannot_tell_apart() -> None:
    """A second row with the same a and b has the same b and c, which no test varies."""
    (resource,) = parse("r: a:bool b:int c:bool unique(a, b) unique(b, c)")
    assert [resource.separable(group) for group in resource.uniques] == [False, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # the form of the whole
        ("", [(1, "", "no resource is given")]),
        (" ; ", [(2, "", "expected a resource before this character")]),
        ("product", [(1, "product", "expected `:` after the resource's name `product`")]),
        ("product:", [(1, "product", "the resource `product` has no field")]),
        ("p: a:int;; q: b:int", [(10, "", "expected a resource before this character")]),
        (": a:int", [(1, "", "`` is not a valid name for a resource")]),
        ("p: a", [(4, "p.a", "the field `a` has no type")]),
        ("p: a: b:int", [(4, "p.a", "the field `a` has no type")]),
        ("p: :int", [(4, "p", "`` is not a valid name for a field")]),
        ("p: a:int, b:int", [(9, "p.a", "found `,`; separate fields with spaces only")]),
        ("p: a:int) b:int", [(9, "p.a", "found `)` in the field `a`")]),
        ("p:\n  a:int\n  b:strng", [(16, "p.b", "did you mean `str`?")]),
        # names
        ("OrderItem: a:int", [(1, "OrderItem", "did you mean `order_item`?")]),
        ("p: größe:int", [(4, "p.größe", "`größe` is not a valid name for a field")]),
        (
            "p: _a:int a__b:int 1a:int",
            [
                (4, "p._a", "is not a valid name"),
                (11, "p.a__b", "is not a valid name"),
                (20, "p.1a", "is not a valid name"),
            ],
        ),
        ("p: id:uuid", [(4, "p.id", "every resource has it")]),
        ("p: version:int xmin:int", [(4, "p.version", "ETag"), (16, "p.xmin", "system column")]),
        ("p: model_dump:int", [(4, "p.model_dump", "`model_dump` is reserved")]),
        ("p: a:int a:str", [(10, "p.a", "duplicate field `a`")]),
        ("p: p_id:uuid p:ref(p)?", [(14, "p.p", "duplicate field `p_id` (a reference is stored as `p_id`)")]),
        ("p: a1:int a_1:int", [(11, "p.a_1", "`a_1` and `a1` differ only in an underscore")]),
        (f"p: {'a' * 60}:int", [(4, f"p.{'a' * 60}", "has 60 characters; expected at most 54")]),
        (f"{'p' * 40}: a:int", [(1, "p" * 40, f"the plural `{'p' * 40}s` has 41 characters; expected at most 40")]),
        (f"{'p' * 50}/ps: a:int", [(52, "p" * 50, f"the name `{'p' * 50}` has 50 characters; expected at most 40")]),
        # a table whose own name is too long is one fault, not one of each column, nor of each reference to it
        (f"p/{'t' * 60}: a:int b:str", [(3, "p", f"the plural `{'t' * 60}` has 60 characters; expected at most 40")]),
        (f"p/{'t' * 60}: a:int; q: p:ref(p)", [(3, "p", "has 60 characters; expected at most 40")]),
        (
            f"p/{'t' * 40}: a:int; q/{'u' * 40}: p:ref(p)",
            [(96, "q.p", f"`{'u' * 40}` (40 characters) and `{'t' * 40}` (40 characters) leave no room for a column")],
        ),
        (
            f"p/{'t' * 27}: a:int; q/{'u' * 27}: ab:ref(p)",
            [(70, "q.ab", "`ab_id` has 5 characters; expected at most 4")],
        ),
        ("p: a:int; p: b:int", [(11, "p", "the resource `p` is already in this text")]),
        ("box: a:int; boxe: b:int", [(13, "boxe", "the plural `boxes` belongs to `box`")]),
        ("good/goods: a:int; goods/lots: b:int", [(20, "goods", "share a name")]),
        ("line_1: a:int; line1: b:int", [(16, "line1", "would both be the class Line1")]),
        ("sheep/sheep: a:int", [(7, "sheep", "the plural equals the name")]),
        ("p/: a:int", [(3, "p", "`` is not a valid name for a plural")]),
        ("metric: a:int", [(1, "metric", "the plural `metrics` is reserved: it is the path that Prometheus scrapes")]),
        ("state/health: a:int", [(7, "state", "the plural `health` is reserved")]),
        # types and their arguments
        ("p: a:Integer", [(6, "p.a", "did you mean `int`?")]),
        ("p: a:money", [(6, "p.a", "did you mean `decimal(12,2)`?")]),
        ("p: a:str(100)", [(10, "p.a", "did you mean `str(..100)`?")]),
        ("p: a:str(1..)", [(10, "p.a", "is not a length range")]),
        ("p: a:str(..) b:str()", [(10, "p.a", "is not a length range"), (20, "p.b", "is not a length range")]),
        ("p: a:str(1.. b:int", [(9, "p.a", "this `(` is not closed")]),
        ("p: a:str(9..1)", [(10, "p.a", "the lengths are reversed: 9 is more than 1; expected `(1..9)`")]),
        ("p: a:str(..0)", [(10, "p.a", "the maximum length is 0; expected 1 to 65536")]),
        ("p: a:text(1..5)", [(10, "p.a", "`text` takes no arguments")]),
        ("p: a:decimal", [(6, "p.a", "`decimal` requires arguments; expected `decimal(10,2)`")]),
        ("p: a:decimal(2,5)", [(14, "p.a", "did you mean `(5,2)`?")]),
        ("p: a:decimal(39,2) b:decimal(0,0)", [(14, "p.a", "39 digits"), (30, "p.b", "0 digits")]),
        ("p: a:decimal(10)", [(14, "p.a", "is not a precision and scale")]),
        ("p: a:enum(a|b|a)", [(15, "p.a", "duplicate value `a`")]),
        (
            "p: a:enum(a||ü)",
            [(13, "p.a", "`` is not a valid enum value"), (14, "p.a", "`ü` is not a valid enum value")],
        ),
        ("p: a:enum(a)", [(11, "p.a", "the enum has 1 value; expected 2 to 50")]),
        ("p: a:ref(q)", [(10, "p.a", "unknown resource `q`")]),
        ("p: a:ref(produkt); product: b:int", [(10, "p.a", "did you mean `product`?")]),
        # checks
        ("p: a:int>=", [(9, "p.a", "the number is missing")]),
        ("p: a:int>x", [(9, "p.a", "`x` is not a number")]),
        ("p: a:int>0.5", [(9, "p.a", "0.5 is not an integer")]),
        (
            "p: a:int<99999999999",
            [(9, "p.a", "out of range for `int`; expected -2147483648 to 2147483647; use `bigint`")],
        ),
        ("p: a:int>5<3", [(9, "p.a", "no `int` is `>5` and `<3`")]),
        ("p: a:int>1<2", [(9, "p.a", "no `int` is `>1` and `<2`")]),
        ("p: a:float>1<=1", [(11, "p.a", "no `float` is")]),
        ("p: a:decimal(2,1)>9.9", [(18, "p.a", "no `decimal` is `>9.9`")]),
        ("p: a:decimal(4,2)>0.001", [(18, "p.a", "0.001 has 3 decimal places; expected at most 2")]),
        ("p: a:int>0>=1", [(11, "p.a", "`>=1` is a second lower bound")]),
        ("p: a:str>5", [(9, "p.a", "`>5` is a bound for numbers, which `str` is not")]),
        ("p: a:date>0", [(10, "p.a", "is a bound for numbers, which `date` is not")]),
        ("p: a:int??", [(10, "p.a", "duplicate `?`")]),
        # unique
        ("p: a:text!", [(10, "p.a", "expected `str(..512)` or shorter")]),
        ("p: a:bool!", [(10, "p.a", "would allow only 2")]),
        ("p: a:float>=5<=5!", [(17, "p.a", "would allow only 1")]),
        ("p: a:int>=1<=5!", [(15, "p.a", "would allow only 5")]),
        ("p: a:str!=x", [(9, "p.a", "only one row could use the default")]),
        # several fields
        ("p: a:int unique(a)", [(10, "p.unique", "write `!` after its type, as in `a:int!`")]),
        ("p: a:int index(a)", [(10, "p.index", "`index` requires two or more fields")]),
        ("p: a:int b:int unique(a b)", [(16, "p.unique", "with a comma between them, as in `unique(a, b)`")]),
        ("p: a:int unique()", [(10, "p.unique", "`unique` requires two or more fields")]),
        ("p: a:int b:int uniqe(a, b)", [(16, "p.uniqe", "did you mean `unique(a, b)`?")]),
        ("p: a:int name(1..9)", [(10, "p.name", "the field `name` has no type")]),
        ("p: abc:int b:int unique(abd, b)", [(25, "p.unique", "unknown field `abd`; did you mean `abc`?")]),
        ("p: a:int b:int index(a, id)", [(25, "p.index", "unknown field `id`; expected fields of this resource")]),
        ("p: a:int b:int unique(a, b, a)", [(29, "p.unique", "duplicate field `a`; remove one")]),
        ("p: a:int b:text unique(a, b)", [(17, "p.unique", "`b` is `text`, which may be too long")]),
        ("p: a:int b:json index(a, b)", [(17, "p.index", "`b` is `json`, which may be too long")]),
        ("p: a:str(..512) b:str(..512) index(a,b)", [(30, "p.index", "4112 bytes together; expected at most 2680")]),
        (
            f"p: {'a' * 30}:int {'b' * 30}:int index({'a' * 30},{'b' * 30})",
            [(74, "p.index", "would have 67 characters; expected at most 63")],
        ),
        ("p: a:int b:int index(a,b) index(a,b)", [(27, "p.index", "duplicate `index(a,b)`; remove one")]),
        ("p: a:int b:int unique(a,b) index(a,b)", [(28, "p.index", "`unique(a,b)` has an index; remove `index(a,b)`")]),
        (
            "p: a:int b:int index(a,b) unique(a,b)",
            [(27, "p.unique", "`unique(a,b)` has an index; remove `index(a,b)`")],
        ),
        ("p: a:int b:int unique(a,b) unique(b,a)", [(28, "p.unique", "`unique(a,b)` implies `unique(b,a)`")]),
        (
            "p: a:int b:int c:int unique(a,b,c) unique(c,a)",
            [(36, "p.unique", "`unique(c,a)` implies `unique(a,b,c)`")],
        ),
        ("p: a:int! b:int unique(a,b)", [(17, "p.unique", "`a` is unique alone (`!`)")]),
        ("p: a:bool b:enum(x|y) unique(a,b)", [(23, "p.unique", "only 4 combinations")]),
        ("p: a:decimal(3,2)>=0<=0.2 b:int>=1<=99 unique(a,b)", [(40, "p.unique", "only 99 combinations")]),
        (
            "p: a:int>=1<=50 b:int>=1<=40 c:int>=1<=60 unique(a,b) unique(c,b)",
            [(55, "p.unique", "`b` is in another `unique` whose fields have fewer than 100 values each")],
        ),
        ("p: a:int=1 b:int=2 unique(a,b)", [(20, "p.unique", "only one row could use the defaults")]),
        (
            "p: a:int unique(a, b",
            [(16, "p", "this `(` is not closed; expected for example `unique(a, b)`"), (20, "p.b", "has no type")],
        ),
        ("p: a:int b:int unique(a,b)!", [(27, "p.unique", "found `!` after `unique(a,b)`")]),
        ("p: a:strng b:int unique(a,b)", [(6, "p.a", "unknown type `strng`")]),
        ("p: a_b:int c:int a:int b_c:int unique(a_b,c) unique(a,b_c)", [(1, "p", "two relations `uq_ps_a_b_c`")]),
        # what a delete does
        ("p: a:int; q: b:ref(p, cascad)", [(23, "q.b", "did you mean `cascade`? Actions: cascade, restrict, null")]),
        ("p: a:int; q: b:ref(p, SET_NULL)?", [(23, "q.b", "did you mean `null`?")]),
        ("p: a:int; q: b:ref(p,)", [(22, "q.b", "unknown action on delete ``")]),
        ("p: a:int; q: b:ref(p, null)", [(16, "q.b", "requires a nullable field; write `?` after it")]),
        ("p: a:ref(q, cascade)?; q: b:ref(p, cascade)?", [(29, "q.b", "circular references: p -> q -> p")]),
        # defaults
        ("p: a:int=", [(9, "p.a", "the default after `=` is missing")]),
        ("p: a:int=>5", [(10, "p.a", "`>5` is not a number")]),
        ("p: a:int=0?", [(10, "p.a", "`?` and `!` go before the default")]),
        ("p: a:int>=0=-1", [(13, "p.a", "the default -1 violates the field's own check `>=0`")]),
        ("p: a:int=3000000000", [(10, "p.a", "the default 3000000000 is out of range for `int`")]),
        ("p: a:decimal(4,2)=100", [(19, "p.a", "more than 2 digits before the point")]),
        ("p: a:decimal(4,2)=0.001", [(19, "p.a", "has 3 decimal places")]),
        ("p: a:float=nan", [(12, "p.a", "`nan` is not a number")]),
        ("p: a:bool=yes", [(11, "p.a", "expected true or false")]),
        ("p: a:date=2023-02-29", [(11, "p.a", "is not a date")]),
        ("p: a:datetime=2026-01-31T12:00:00", [(15, "p.a", "a moment with its zone")]),
        ("p: a:datetime=0001-01-01T00:00:00+05:00", [(15, "p.a", "is not a datetime")]),
        ("p: a:uuid=1", [(11, "p.a", "is not a uuid")]),
        ("p: a:enum(x|y)=z", [(16, "p.a", "expected one of x, y")]),
        ("p: a:str(3..5)=ab", [(16, "p.a", "has 2 characters; expected 3 to 5")]),
        ('p: a:str="a\x00b"', [(10, "p.a", "invisible character")]),
        ('p: a:str="abc', [(10, "p.a", "this quote is not closed")]),
        ('p: a:str=ab"c"', [(12, "p.a", "a text with spaces needs quotes")]),
        ("p: a:json={}", [(11, "p.a", "`json` takes no default")]),
        ("p: a:int; q: b:ref(p)=1", [(23, "q.b", "`ref` takes no default")]),
        ("p: a:int>10<5!", [(9, "p.a", "no `int` is `>10` and `<5`")]),
        # references in a circle
        ("p: a:ref(p)", [(6, "p.a", "a reference to its own resource must be nullable")]),
        ("p: a:ref(q)?; q: b:ref(p)?", [(20, "q.b", "circular references: p -> q -> p")]),
        (
            "p: a:ref(q); q: b:ref(r); r: c:ref(p) d:ref(q)",
            [(32, "r.c", "p -> q -> r -> p"), (41, "r.d", "q -> r -> q")],
        ),
    ],
)
def test_faults(text: str, expected: list[tuple[int, str, str]]) -> None:
    found = faults_of(text)
    assert [fault[:2] for fault in found] == [fault[:2] for fault in expected]
    for (_, _, message), (_, _, words) in zip(found, expected, strict=True):
        assert words in message


def test_every_fault_at_once() -> None:
    text = "Product: name:strng price:decimal(2,10) id:int stock:int>=5=0; order: p:ref(nothing)"
    assert [subject for _, subject, _ in faults_of(text)] == [
        "Product",
        "Product.name",
        "Product.price",
        "Product.id",
        "Product.stock",
        "order.p",
    ]


def test_the_line_that_is_kept_is_one_line() -> None:
    (person,) = parse('person/people :\n  kind:enum( a\n| b )? \t name: str( 1\n.. 9 )="x  y"\n')
    assert person.line == 'person/people: kind:enum(a|b)? name:str(1..9)="x  y"'


def test_faults_with_known_resources() -> None:
    known = parse("order_1: a:int; person/people: b:int")
    assert faults_of("order_1: a:int", known)[0][2].startswith("the resource `order_1` already exists")
    assert "the plural `people` belongs to `person`" in faults_of("folk/people: a:int", known)[0][2]
    assert "class Order1" in faults_of("order1: a:int", known)[0][2]


def test_the_message_points_at_the_place() -> None:
    with pytest.raises(ResourceErrors) as raised:
        parse("product: name:str(1..100)\n  price:decimal")
    assert str(raised.value) == (
        "The resource line has 1 fault:\n\n"
        "product.price, line 2, column 9: `decimal` requires arguments; expected `decimal(10,2)`\n"
        "      price:decimal\n"
        "            ^"
    )


def test_a_message_carries_no_control_character() -> None:
    with pytest.raises(ResourceErrors) as raised:
        parse("p: \x1b[31m:int a:\x07")
    assert all(sign.isprintable() or sign == "\n" for sign in str(raised.value))
