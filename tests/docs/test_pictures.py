"""The pictures of the documents: small, free of this machine, and no older than what they show."""

import json
import re
import socket
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from workshop import documents, pictures
from workshop.pictures import alerts, demo, page, terminal

ROOT = Path(__file__).resolve().parents[2]
DRAWN = sorted((ROOT / pictures.FOLDER).glob("*"))
AGAIN = "draw it again: python3 tasks.py pictures"


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.name)
def test_a_picture_is_small_and_free_of_this_machine(path: Path) -> None:
    text = path.read_text()
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314  # our own file
    assert len(text) < 64 * 1024
    assert re.findall(r"<(?:image|script|foreignObject)\b|(?:href|src)=|url\((?!#)", text) == [], "it loads nothing"
    assert re.findall(r"/(?:root|home|work|tmp|Users|builds)/\S*", text) == []
    assert socket.gethostname() not in text


def test_every_picture_is_shown_by_a_document() -> None:
    linked = {target for page in documents.pages(ROOT) for target in documents.pictures(page)}
    assert {path.resolve() for path in DRAWN} == linked


def test_the_picture_of_the_alerts_has_the_rules_of_the_template() -> None:
    assert committed("alerts") == terminal.lines(terminal.draw("alert rules", alerts.shown(ROOT))), AGAIN


def test_the_picture_of_docs_has_the_operations_of_a_service(bakery: Bakery) -> None:
    shown = page.texts((ROOT / pictures.FOLDER / "docs.svg").read_text())
    document = json.loads((bakery.bake() / "docs" / "openapi.json").read_text())
    assert document["info"]["title"] in shown
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if operation["tags"] == ["Products"]:
                assert {method.upper(), path, operation["summary"]} <= set(shown), AGAIN


@pytest.mark.drill
@pytest.mark.alone  # of its own time it shows some
def test_the_picture_of_the_demo_is_that_of_a_real_one() -> None:
    drawn = terminal.lines(terminal.draw("demo", demo.record(ROOT)))
    assert pictures.normal("\n".join(drawn)) == pictures.normal("\n".join(committed("demo"))), AGAIN


def test_a_line_that_was_drawn_again_is_shown_once() -> None:
    written = "\r\x1b[K  rollout  1 s\r\x1b[K  rollout  2 s\r\x1b[Kok  rollout\r\nend\r\n"
    assert terminal.screen(written) == "ok  rollout\nend\n"


def test_a_picture_has_the_lines_of_its_text() -> None:
    drawn = terminal.draw("title", "\x1b[31mfailed\x1b[0m  a & <b>\n\n  next: x\n")
    assert [line for line in terminal.lines(drawn) if line] == ["failed  a & <b>", "  next: x"]


def test_two_runs_that_differ_in_times_and_ids_are_the_same() -> None:
    first = "ok  rollout  (1.5 s) 0197a3f2-0000-7000-8000-000000000001 at 1d0fae17927c 2026-11-26T05:59:11Z"
    other = "ok  rollout  (12.0 s) 0197a3f2-0000-7000-8000-0000000000ff at b0462b77d176 2027-01-01T00:00:00Z"
    assert pictures.normal(first) == pictures.normal(other) != pictures.normal(first.replace("rollout", "smoke"))


def committed(name: str) -> list[str]:
    return terminal.lines((ROOT / pictures.FOLDER / f"{name}.svg").read_text())
