"""Generated Python as the service's ruff lays it out."""

import ast
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.template import SERVICE
from toolkit.resources.line import authentication
from toolkit.resources.line.parser import parse
from toolkit.resources.write import generator, layout
from toolkit.resources.write.filters import pieces

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
    "a: b:int; c: d:ref(a, cascade) e:ref(c, null)? f:int? g:bool unique(d, f) index(e, f, g) unique(e, g)",
    f"{'l' * 20}: {'m' * 17}:str {'n' * 17}:int unique({'m' * 17}, {'n' * 17})",
    f"wide: kind:enum({'|'.join(f'a-rather-long-value-of-an-enum-{number}' for number in range(50))})",
    f"long_{'x' * 33}: {' '.join(f'field_{number}_ab:str(1..20)' for number in range(30))}",
    f"long_{'x' * 33}: z:ref(item)?; item: a:int",
    "a: owner b:bool",
    "a: owner b:text? c:json?; d: e:str! a:int",
    "a: owner b:str! c:decimal(5,2) d:ref(a)? e:ref(f); f: g:int; k: owner a:ref(a) j:int unique(a, j) index(j, a)",
    f"long_{'x' * 30}: owner {'y' * 10}:str! {'z' * 10}:int",
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


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A service with nothing but the settings of its linters."""
    shutil.copy(SERVICE / "pyproject.toml", tmp_path)
    return tmp_path


def test_generated_files_pass_every_rule_of_the_service(tmp_path: Path) -> None:
    ruff = layout.find_ruff(tmp_path)
    assert ruff is not None
    settings = (SERVICE / "pyproject.toml").read_text()
    settings = settings.replace("isort]", 'isort]\nknown-first-party = ["app", "tests"]')
    for number, line in enumerate([*LINES, *random_lines()]):
        for auth in ("jwt", "accounts", "none"):
            if authentication.refusal(parse(line), auth):
                continue
            root = tmp_path / f"{auth}_{number}"
            root.mkdir()
            (root / "pyproject.toml").write_text(settings)
            (root / "service.toml").write_text("")
            changes = generator.plan(generator.Wanted(parse(line)), {"answers": {"auth": auth}, "service": {}}, root)
            generator.write(changes, root)
    assert not run(str(ruff), "format", "--diff", ".", cwd=tmp_path)
    assert not run(str(ruff), "check", "--output-format", "concise", ".", cwd=tmp_path)


def arrange(root: Path, module: str) -> str:
    """The module, which is `app/module.py`, as it comes back beside a page that nothing is done to."""
    ruff = layout.find_ruff(root)
    assert ruff is not None
    arranged = layout.arrange({"app/module.py": module, "page.md": "#  As it is"}, root, ruff)
    assert arranged.pop("page.md") == "#  As it is"
    return arranged["app/module.py"]


def test_unused_imports_go_and_the_others_are_sorted(root: Path) -> None:
    module = (
        "import uuid\nimport decimal\nfrom tests.support import b\nimport sqlalchemy as sa\n\n\n\nprint(decimal, sa, b)"
    )
    expected = "import decimal\n\nimport sqlalchemy as sa\n\nfrom tests.support import b\n\nprint(decimal, sa, b)\n"
    assert arrange(root, module) == expected


def test_a_service_has_its_own_style(root: Path) -> None:
    settings = root / "pyproject.toml"
    settings.write_text(settings.read_text() + '\n[tool.ruff.format]\nquote-style = "single"\n')
    assert arrange(root, 'x = "a"\n') == "x = 'a'\n"


def test_what_is_not_python_is_refused(root: Path) -> None:
    with pytest.raises(ValueError, match=r"module\.py"):
        arrange(root, "def (")


def test_the_ruff_of_the_service_comes_first(tmp_path: Path) -> None:
    own = tmp_path / ".venv" / "bin" / "ruff"
    assert layout.find_ruff(tmp_path) == Path(sys.executable).parent / "ruff"
    own.parent.mkdir(parents=True)
    own.touch()
    assert layout.find_ruff(tmp_path) == own


@given(st.text("ab' \"-", max_size=400))
def test_a_long_string_in_pieces_is_the_same_string(text: str) -> None:
    assert ast.literal_eval(pieces(text) or '""') == text
