"""Files that the generator writes into a service."""

import json
import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.support import template
from tests.support.generating import PRODUCT, SERVICE, files, statuses
from toolkit.resources.line.parser import parse
from toolkit.resources.write import generator, manifest, service_file


def test_add_writes_every_layer(root: Path, templates: Path) -> None:
    changes = generator.add("order_item: class:int", root, templates=templates)
    assert statuses(changes) == {
        "app/endpoints/order_items.py": "create",
        "app/models/order_item.py": "create",
        "app/resources.py": "create",
        "docs/order_item.md": "create",
        "service.toml": "update",
    }
    written = files(root)
    assert written["app/endpoints/order_items.py"] == 'PATH = "/order-items"\nX = "class"\n'
    assert written["app/models/order_item.py"] == 'NAME = "order_item"\nAUTH = "jwt"\n'
    assert written["docs/order_item.md"] == "# Order item\n"
    recorded = json.loads(written[".generated.json"])["files"]
    assert set(recorded) == set(statuses(changes)) - {"service.toml"}


def test_the_service_file_gains_the_line_and_nothing_else(root: Path, templates: Path) -> None:
    generator.add('a: b:str="x ] \' y"', root, templates=templates)
    generator.add("c:  d:ref(a)", root, templates=templates)
    text = (root / "service.toml").read_text()
    assert tomllib.loads(text)["resources"]["lines"] == ['a: b:str="x ] \' y"', "c: d:ref(a)"]
    before, after = SERVICE.split("lines = [\n]")
    assert text.startswith(before)
    assert text.endswith(after)


def test_a_second_run_changes_nothing(root: Path, templates: Path) -> None:
    generator.add(PRODUCT, root, templates=templates)
    before = files(root)
    stamps = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    changes = generator.add(f" {PRODUCT}  ;\n", root, templates=templates)
    assert set(statuses(changes).values()) == {"ok"}
    assert files(root) == before
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == stamps


def test_check_writes_nothing(root: Path, templates: Path) -> None:
    before = files(root)
    changes = generator.add(PRODUCT, root, check=True, templates=templates)
    assert {change.status for change in changes} == {"create", "update"}
    assert files(root) == before
    assert '+    "product: name:str price:decimal(10,2)>0",' in changes[-1].diff()


def test_what_is_no_longer_asked_for_is_reported(root: Path, templates: Path) -> None:
    generator.add(f"{PRODUCT}; order: a:int", root, templates=templates)
    (root / "service.toml").write_text(SERVICE)
    changes = generator.add(PRODUCT, root, templates=templates)
    assert statuses(changes)["docs/order.md"] == "orphan"
    assert (root / "docs/order.md").exists()
    assert "docs/order.md" in manifest.read(root).files


def test_an_interrupted_run_can_be_finished(root: Path, templates: Path) -> None:
    generator.add(PRODUCT, root, templates=templates)
    (root / manifest.PATH).unlink()
    (root / "service.toml").write_text(SERVICE)
    (root / "docs/product.md").unlink()
    changes = generator.add(PRODUCT, root, templates=templates)
    assert statuses(changes)["docs/product.md"] == "create"
    assert set(manifest.read(root).files) == {change.path for change in changes} - {"service.toml"}


def test_a_line_changed_in_the_service_file_is_regenerated(root: Path, templates: Path) -> None:
    generator.add("product: name:str", root, templates=templates)
    text = (root / "service.toml").read_text()
    (root / "service.toml").write_text(text.replace("name:str", "title:str"))
    changes = generator.add("product: title:str", root, templates=templates)
    assert statuses(changes)["app/endpoints/products.py"] == "update"
    assert '"title"' in (root / "app/endpoints/products.py").read_text()


def test_references_come_first(root: Path, templates: Path) -> None:
    generator.add("review: product:ref(product); product: name:str", root, templates=templates)
    assert (root / "app/resources.py").read_text() == 'NAMES = [\n    "product",\n    "review",\n]\n'


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), max_size=4))
def test_any_lines_survive_the_service_file(lines: list[str]) -> None:
    service = service_file.ServiceFile(SERVICE, tomllib.loads(SERVICE))
    for _ in range(2):
        text = service.with_lines(lines)
        service = service_file.ServiceFile(text, tomllib.loads(text))
        assert service.lines == lines


def test_the_template_itself_is_in_step() -> None:
    """The service as it stands in the template is what the generator makes of no resource."""
    root = template.SERVICE
    changes = generator.plan(generator.Wanted(()), {"answers": {"auth": "jwt"}, "service": {}}, root)
    assert set(statuses(changes).values()) == {"ok"}, [str(change) for change in changes]
    assert set(manifest.read(root).files) == {change.path for change in changes}


def test_every_template_renders_for_every_type(tmp_path: Path) -> None:
    types = [
        "str",
        "text",
        "int",
        "bigint",
        "decimal(5,2)",
        "float",
        "bool",
        "date",
        "datetime",
        "uuid",
        "json",
        "enum(a|b)",
        "ref(r)?",
    ]
    line = f"r: {' '.join(f'f{number}:{type_}' for number, type_ in enumerate(types))}"
    written = dict(generator.render(parse(line), {"answers": {"auth": "jwt"}, "service": {}}))
    assert any("/r.py" in path for path in written)
    assert not any(sign in text for text in written.values() for sign in ("<<", "<%", "# %"))
