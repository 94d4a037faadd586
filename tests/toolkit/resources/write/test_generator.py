"""Files that are written into a service, and files that are left unchanged."""

import json
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import template
from toolkit.resources.line.parser import ResourceErrors, parse
from toolkit.resources.write import generator, manifest, service_file
from toolkit.resources.write.generator import Change, GeneratorError

TEMPLATES = {
    "app/models/[module].py.j2": 'NAME = "<< resource.name >>"\nAUTH = "<< answers.auth >>"\n',
    "app/endpoints/[plural_module].py.j2": (
        'PATH = "/<< resource.url >>"\n# % for field in resource.fields\nX = "<< field.name >>"\n# % endfor\n'
    ),
    "app/resources.py.j2": 'NAMES = [<% for each in resources %>"<< each.name >>", <% endfor %>]\n',
    "docs/[name].md.j2": "# << resource.title >>\n",
    "macros.j2": "never written",
}
SERVICE = """# kept
[service]
name = "shop"

[answers]
auth = "jwt" # kept too

[resources]
# the lines
lines = [
]

[more]
lines = ["not these"]
"""
PRODUCT = "product: name:str price:decimal(10,2)>0"


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    for name, text in TEMPLATES.items():
        path = tmp_path / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "templates"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "service.toml").write_text(SERVICE)
    return tmp_path / "service"


def files(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def statuses(changes: list[Change]) -> dict[str, str]:
    return {change.path: change.status for change in changes}


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


def test_an_edited_file_is_kept(root: Path, templates: Path) -> None:
    generator.add(PRODUCT, root, templates=templates)
    edited = root / "app/models/product.py"
    edited.write_text("mine\n")
    (templates / "app/models/[module].py.j2").write_text('NAME = "<< resource.name >>"\nNEW = True\n')
    changes = generator.add("order: a:int", root, templates=templates)
    assert statuses(changes)["app/models/product.py"] == "edited"
    assert statuses(changes)["app/resources.py"] == "update"
    assert edited.read_text() == "mine\n"
    assert "kept" in str(next(change for change in changes if change.status == "edited"))
    again = generator.add("order: a:int", root, templates=templates)
    assert statuses(again)["app/models/product.py"] == "edited", "and it still is by the next run"


def test_an_unedited_file_follows_the_template(root: Path, templates: Path) -> None:
    generator.add(PRODUCT, root, templates=templates)
    (templates / "docs/[name].md.j2").write_text("# New\n")
    changes = generator.add(PRODUCT, root, templates=templates)
    assert statuses(changes)["docs/product.md"] == "update"
    assert (root / "docs/product.md").read_text() == "# New\n"
    assert set(statuses(generator.add(PRODUCT, root, templates=templates)).values()) == {"ok"}


def test_line_ends_are_no_edit(root: Path, templates: Path) -> None:
    generator.add(PRODUCT, root, templates=templates)
    path = root / "app/models/product.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert statuses(generator.add(PRODUCT, root, templates=templates))["app/models/product.py"] == "ok"


def test_a_deleted_file_is_not_made_again(root: Path, templates: Path) -> None:
    generator.add(PRODUCT, root, templates=templates)
    (root / "docs/product.md").unlink()
    for _ in range(2):
        changes = generator.add(PRODUCT, root, templates=templates)
        assert statuses(changes)["docs/product.md"] == "deleted"
        assert not (root / "docs/product.md").exists()
    recorded = dict(manifest.read(root).files)
    del recorded["docs/product.md"]
    (root / manifest.PATH).write_text(manifest.text(recorded, ()))
    assert statuses(generator.add(PRODUCT, root, templates=templates))["docs/product.md"] == "create"


def test_a_foreign_file_is_not_overwritten(root: Path, templates: Path) -> None:
    (root / "docs").mkdir()
    (root / "docs/product.md").write_text("# Ours\n")
    before = files(root)
    with pytest.raises(GeneratorError, match=r"nothing was written(.|\n)*docs/product.md"):
        generator.add(PRODUCT, root, templates=templates)
    assert files(root) == before


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


def test_another_line_for_the_same_name_is_refused(root: Path, templates: Path) -> None:
    generator.add(PRODUCT, root, templates=templates)
    before = files(root)
    with pytest.raises(ResourceErrors) as raised:
        generator.add("order: a:int; product: name:str", root, templates=templates)
    (fault,) = raised.value.faults
    assert (fault.position, fault.resource) == (15, "product")
    assert f"it already exists as `{PRODUCT}`" in fault.message
    assert "resource.change product" in fault.message
    assert files(root) == before


def test_a_line_changed_in_the_service_file_is_regenerated(root: Path, templates: Path) -> None:
    generator.add("product: name:str", root, templates=templates)
    text = (root / "service.toml").read_text()
    (root / "service.toml").write_text(text.replace("name:str", "title:str"))
    changes = generator.add("product: title:str", root, templates=templates)
    assert statuses(changes)["app/endpoints/products.py"] == "update"
    assert '"title"' in (root / "app/endpoints/products.py").read_text()


def test_without_ruff_nothing_is_written_unless_that_is_allowed(
    root: Path, templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (templates / "app/models/[module].py.j2").write_text("import os\nX = [1,2]\n")
    before = files(root)
    with monkeypatch.context() as without:
        without.setattr(sys, "executable", str(root / "python"))
        with pytest.raises(GeneratorError, match="nothing was written: ruff, which formats"):
            generator.add(PRODUCT, root, templates=templates)
        assert files(root) == before
        generator.add(PRODUCT, root, unformatted=True, templates=templates)
    assert (root / "app/models/product.py").read_text() == "import os\nX = [1,2]\n"
    # Formatted meanwhile, it is what the generator makes: nobody has edited it.
    (root / "app/models/product.py").write_text("X = [1, 2]\n")
    assert statuses(generator.add(PRODUCT, root, templates=templates))["app/models/product.py"] == "ok"


def test_references_come_first(root: Path, templates: Path) -> None:
    generator.add("review: product:ref(product); product: name:str", root, templates=templates)
    assert (root / "app/resources.py").read_text() == 'NAMES = [\n    "product",\n    "review",\n]\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[resources\n", "is not valid TOML"),
        ("[service]\n", "no `lines = [...]` below"),
        ('[resources]\nlines = "x"\n', "not a list of strings"),
        ("[resources]\nlines = [1]\n", "not a list of strings"),
        ("resources = { lines = [] }\n", "no `lines = [...]` below"),
        ('[resources]\nlines = ["p: a:strng"]\n', "unknown type `strng`"),
        ("[resources]\nlines = []\n", "'dict object' has no attribute 'auth'"),
    ],
)
def test_a_damaged_service_file_is_refused(root: Path, templates: Path, text: str, words: str) -> None:
    (root / "service.toml").write_text(text)
    with pytest.raises(GeneratorError) as raised:
        generator.add(PRODUCT, root, templates=templates)
    assert words in str(raised.value)
    assert list(files(root)) == ["service.toml"]


def test_no_service_and_no_manifest(root: Path, templates: Path, tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="run this in the service's own folder"):
        generator.add(PRODUCT, tmp_path, templates=templates)
    (root / manifest.PATH).write_text("<<<<<<< ours\n")
    with pytest.raises(GeneratorError, match="git checkout"):
        generator.add(PRODUCT, root, templates=templates)


def test_a_folder_in_the_way(root: Path, templates: Path) -> None:
    (root / "docs/product.md").mkdir(parents=True)
    with pytest.raises(GeneratorError, match="nothing was written"):
        generator.add(PRODUCT, root, templates=templates)


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


def test_what_ruff_says_of_its_settings_is_passed_on(root: Path, templates: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.ruff]\nline-length = 'wide'\n")
    before = files(root)
    with pytest.raises(GeneratorError, match=r"ruff failed on the rendered files\n(.|\n)*line-length"):
        generator.add(PRODUCT, root, templates=templates)
    assert files(root) == before


CLASS = "class << resource.class_name >>:\n# % for field in resource.fields\n    << field.name >>: int\n# % endfor\n"


@pytest.fixture
def edited(root: Path, templates: Path) -> Path:
    """The module of a resource with a method of its owner's."""
    (templates / "app" / "models" / "[module].py.j2").write_text(CLASS)
    generator.add("product: a:int b:int; other: z:int", root, templates=templates)
    module = root / "app" / "models" / "product.py"
    module.write_text(module.read_text() + "\n    def own(self) -> int:\n        return self.a\n")
    return module


def test_a_change_is_merged_with_the_owners_edits(edited: Path, root: Path, templates: Path) -> None:
    lines = ["product: a:int c:int d:int", "other: z:int"]
    changes = generator.prepare(root, lines, templates=templates)
    assert statuses(changes)["app/models/product.py"] == "merge"
    generator.write(changes, root)
    wanted = "class Product:\n    a: int\n    c: int\n    d: int\n\n    def own(self) -> int:\n        return self.a\n"
    assert edited.read_text() == wanted
    assert manifest.read(root).lines == tuple(lines)
    again = generator.prepare(root, lines, templates=templates)
    assert not [change for change in again if change.writes]


def test_without_the_former_lines_an_edited_file_is_kept(edited: Path, root: Path, templates: Path) -> None:
    """The control: it is the manifest's lines that make the merge possible."""
    recorded = json.loads((root / manifest.PATH).read_text())
    (root / manifest.PATH).write_text(json.dumps({"files": recorded["files"]}))
    service_toml = root / "service.toml"
    service_toml.write_text(service_toml.read_text().replace("a:int b:int", "a:int c:int"))
    lines = service_file.read(root).lines
    assert statuses(generator.prepare(root, lines, templates=templates))["app/models/product.py"] == "edited"


def test_the_same_lines_in_both_are_a_conflict(edited: Path, root: Path, templates: Path) -> None:
    edited.write_text(edited.read_text().replace("b: int", "b: float"))
    lines = ["product: a:int", "other: z:int"]
    (change,) = (each for each in generator.prepare(root, lines, templates=templates) if each.status == "conflict")
    assert "<<<<<<< your file\n    b: float" in change.content
    assert not change.writes


def test_conflict_marks_of_a_git_merge_are_refused(edited: Path, root: Path, templates: Path) -> None:
    edited.write_text("<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n")
    before = files(root)
    with pytest.raises(GeneratorError, match=r"unresolved +app/models/product.py"):
        generator.add("third: a:int", root, templates=templates)
    assert files(root) == before


def test_what_fails_after_the_files_undoes_them(edited: Path, root: Path, templates: Path) -> None:
    before = files(root)
    changes = generator.prepare(root, ["product: a:int c:int", "new: a:int"], removes=True, templates=templates)

    def fail() -> None:
        with generator.written(changes, root):
            assert files(root) != before
            (root / "alembic" / "versions").mkdir(parents=True)
            (root / "alembic" / "versions" / "half.py").write_text("")
            raise SystemExit

    with pytest.raises(SystemExit):
        fail()
    assert files(root) == before


OWNED = 'OWNED = "<< resources | selectattr("owner") | map(attribute="name") | join >>"\n'


@pytest.fixture
def with_owners(templates: Path) -> Path:
    """Templates with a file that only resources with an owner need."""
    (templates / "app/owned.py.j2").write_text(f'<% if resources | selectattr("owner") | list %>\n{OWNED}<% endif %>\n')
    return templates


def test_what_owners_need_comes_with_the_first_and_goes_with_the_last(root: Path, with_owners: Path) -> None:
    generator.add("product: name:str", root, templates=with_owners)
    assert "app/owned.py" not in files(root)
    generator.add("order: owner number:str", root, templates=with_owners)
    assert files(root)["app/owned.py"] == 'OWNED = "order"\n'
    changes = generator.prepare(root, ["product: name:str", "order: number:str"], templates=with_owners)
    assert statuses(changes)["app/owned.py"] == "remove"
    generator.write(changes, root)
    assert "app/owned.py" not in files(root)
    assert "app/owned.py" not in json.loads(files(root)[".generated.json"])["files"]


def test_what_owners_needed_stays_with_edits(root: Path, with_owners: Path) -> None:
    generator.add("order: owner number:str", root, templates=with_owners)
    (root / "app/owned.py").write_text("ours\n")
    changes = generator.prepare(root, ["order: number:str"], templates=with_owners)
    assert statuses(changes)["app/owned.py"] == "orphan"


def test_an_owner_without_tokens_is_refused(root: Path, templates: Path) -> None:
    (root / "service.toml").write_text(SERVICE.replace('auth = "jwt"', 'auth = "none"'))
    before = files(root)
    with pytest.raises(GeneratorError, match=r"nothing was written: `order` has `owner`, .* but auth is `none`"):
        generator.add("order: owner number:str", root, templates=templates)
    assert files(root) == before
