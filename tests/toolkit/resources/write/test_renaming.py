"""The owner's edits in a file whose resource gets another name."""

from pathlib import Path

from toolkit.resources.line.model import Names
from toolkit.resources.write import renaming
from toolkit.resources.write.merge import merge

OLD, NEW = Names("order", "orders"), Names("order_note", "order_notes")
BASE = '''"""The rules of orders."""

from app.crud.order import order_crud


class OrderService(ResourceService):
    crud = order_crud
    title = "order"
    transaction = False
'''


NOW = '''"""The rules of order notes."""

from app.crud.order_note import order_note_crud


class OrderNoteService(ResourceService):
    crud = order_note_crud
    title = "order note"
    transaction = False
'''
OWN = """
    def first(self, data: OrderCreate) -> str:
        return data.order + "order"  # in order
"""


def test_own_lines_keep_their_words_and_the_others_are_the_generators() -> None:
    found = BASE.replace("    transaction = False\n", OWN)
    ours, base = renaming.carry(found, BASE, NOW, OLD, NEW)
    merged = merge(ours, base, NOW)
    assert not merged.conflicts
    assert merged.text == NOW.replace("    transaction = False\n", OWN.replace("OrderCreate", "OrderNoteCreate"))
    ours, base = renaming.carry(found, BASE, "# wrapped\n" + NOW, OLD, NEW)
    assert "OrderNoteCreate" in ours
    assert 'crud = order_note_crud\n    title = "order_note"' in base, "line by line only where the lines match"
    assert merge(found, BASE, NOW).conflicts, "the control: without it, the neighbouring lines are a conflict"


def test_mentions_in_own_modules(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "own.py").write_text('import app.models.order as m\nx = "order"\ny: Order\nz = order_crud\n')
    (tmp_path / "app" / "generated.py").write_text("y: Order\n")
    found = list(renaming.mentions(tmp_path, OLD, ["app/generated.py"]))
    assert found == ["app/own.py:1", "app/own.py:3", "app/own.py:4"]
