"""What the generator lays out by itself, compared with ruff."""

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.resources.line.parser import parse
from toolkit.resources.write import generator, layout

RUFF = shutil.which("ruff", path=f"{Path(sys.executable).parent}") or shutil.which("ruff")
SERVICE = Path(generator.__file__).parents[3]
LONG = [f"argument_{number}=value_{number}" for number in range(12)]
LINES = (
    "product: name:str(1..100) description:str(..500)? price:decimal(10,2)>0 stock:int>=0=0 is_available:bool=true",
    "order: user_id:uuid status:enum(pending|paid|shipped|cancelled)=pending total_amount:decimal(12,2)>=0",
    "a: b:bool",
    "a: b:enum(c|d)",
    "a: b:json",
    "a: b:ref(a)? c:datetime",
    'class: from:str="a \\" b" import:date?=2024-02-29 class:datetime=2024-01-01T00:00:00Z uuid:uuid!',
    "base: model_config:str type:str user:str copy:text schema:text json:json? metadata:json registry:bool filters:str",
    "model: limit:int? sort:int cursor:bigint select:enum(a|b-c|D_4) group:float>0.5<=900.25 order:int>=-5<6 dt:date",
    "item10: a:int; item2: a:int; item_s: a:int; items/items_all: a:int",
    f"wide: kind:enum({'|'.join(f'a-rather-long-value-of-an-enum-{number}' for number in range(50))})",
    f"long_{'x' * 33}: {' '.join(f'field_{number}_ab:str(1..20)' for number in range(30))}",
    f"long_{'x' * 33}: z:ref(item)?; item: a:int",
)


def random_lines() -> Iterator[str]:
    dice = random.Random(20)  # noqa: S311 - no secret
    types = [
        "str",
        "str(1..9)",
        "str(2..60)!",
        "text",
        "int",
        "int>=0=0",
        "bigint<9",
        "decimal(12,4)>0.5",
        "float",
        "bool=true",
        "date",
        "datetime=now",
    ]
    types += [
        "uuid",
        "uuid!",
        "json",
        "json?",
        "enum(a|b|c)=b",
        "enum(x|yy)?",
        "ref(order)?",
        "ref(order)",
        "date=2024-01-01",
        "bool?",
    ]
    for number in range(15):
        fields = [f"{'f' * dice.randint(1, 30)}{index}:{dice.choice(types)}" for index in range(dice.randint(1, 12))]
        yield f"r{'r' * dice.randint(1, 9)}_{number}: {' '.join(fields)}; order: a:int"


@pytest.fixture(scope="module")
def ruff() -> str:
    if not RUFF:
        pytest.skip("ruff is not installed")
    return RUFF


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


def test_generated_files_leave_nothing_to_the_formatter(ruff: str, tmp_path: Path) -> None:
    """All rules of the service, for its own names first."""
    shutil.copy(SERVICE / "pyproject.toml", tmp_path)
    settings = (tmp_path / "pyproject.toml").read_text().replace('src = ["."]', 'src = ["*"]')
    settings = settings.replace('"tests/**"', '"**/tests/**"')
    (tmp_path / "pyproject.toml").write_text(settings.replace("isort]", 'isort]\nknown-first-party = ["app", "tests"]'))
    for number, line in enumerate([*LINES, *random_lines()]):
        for auth in ("jwt", "none"):
            root = tmp_path / f"{auth}_{number}"
            changes = generator.plan(parse(line), {"answers": {"auth": auth}, "service": {}}, root)
            generator.write(changes, root)
    assert not run(ruff, "format", "--diff", ".", cwd=tmp_path)
    assert not run(ruff, "check", "--output-format", "concise", ".", cwd=tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        f"x = call({', '.join(LONG)})",
        f"x = call({', '.join(LONG[:6])})",
        f"NAME_OF = Annotated[{', '.join(LONG[:6]).replace('=', '_')}]",
        f"class A:\n    x: Mapped[str | None] = mapped_column({', '.join(LONG[:5])})",
        f"def function({', '.join(LONG)}) -> None:\n    pass",
        f"def function({', '.join(LONG[:5])}) -> None:\n    pass",
        f"async def function({'argument_' * 11}: int) -> None:\n    pass",
        f"x = (\n    call(inner({', '.join(LONG)}), {', '.join(LONG[:3])}),\n)",
        f"x: Literal[{', '.join(LONG[:5]).replace('=', '_')}] = 'a'".replace("'", '"'),
        f"x: Literal[{', '.join(LONG).replace('=', '_')}] = 'a'".replace("'", '"'),
        f"x = call('{'word ' * 30}', {LONG[0]})".replace("'", '"'),
        f"x = call('{'word, (word]) ' * 30}')".replace("'", '"'),
        f"x = [call({', '.join(LONG)})]",
        f"x = {{'a': call({', '.join(LONG)}), 'b': 1}}".replace("'", '"'),
        f'"""{"word " * 30}."""',
        f"@decorate({', '.join(LONG)})\ndef function() -> None:\n    pass",
    ],
)
def test_long_lines_are_split_as_ruff_does(ruff: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(layout.arrange(text))
    assert not run(ruff, "format", "--diff", "--line-length", "120", "--isolated", str(path), cwd=tmp_path)


def test_imports_are_what_is_used_in_order() -> None:
    text = '''"""Doc."""

import uuid
import decimal

import sqlalchemy as sa

from app import item10, item2, Zebra, MAX, unused
from app import base as base_factory, order as order_factory
from app.unused import (
    something,
)
from app.used import (
    b,
    a,
)


print(decimal, item10, item2, Zebra, MAX, base_factory, order_factory, a, b)
'''
    assert (
        layout.arrange(text)
        == '''"""Doc."""

import decimal

from app import MAX, Zebra, item2, item10
from app import base as base_factory
from app import order as order_factory
from app.used import (
    a,
    b,
)


print(decimal, item10, item2, Zebra, MAX, base_factory, order_factory, a, b)
'''
    )


def test_strings_of_several_lines_stay() -> None:
    text = f'x = """\n\n\n\n{"long (" * 40}\n"""\n'
    assert layout.arrange(text) == text


def test_what_is_no_python_is_refused() -> None:
    with pytest.raises(SyntaxError):
        layout.arrange("def (")
