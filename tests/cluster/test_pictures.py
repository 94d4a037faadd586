"""The picture of a failing deploy, and the text of it on the front page, are what such a deploy prints."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.stage import Stage
from workshop import documents, pictures
from workshop.pictures import failing_deploy, terminal

ROOT = Path(__file__).resolve().parents[2]
OWN = re.compile(r"\$ |[a-z]+ |[A-Z_]+: |  (?:commit|pod|exit|evidence|next|recorded)\b")
AGAIN = "draw it again: python3 tasks.py pictures"


@pytest.mark.drill(minutes=2)
def test_the_picture_of_a_failing_deploy_is_that_of_a_real_one(actor: Stage, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    shutil.copytree(actor.project, project, symlinks=True)
    with replace(actor, project=project).fresh("picture") as stage:
        shown = failing_deploy.of(stage)
    picture = terminal.lines((ROOT / pictures.FOLDER / "failing-deploy.svg").read_text())
    drawn = terminal.lines(terminal.draw("", shown))
    assert outline("\n".join(drawn)) == outline("\n".join(picture)), AGAIN
    (printed,) = [block for block in documents.blocks(ROOT / "README.md") if block.mark == pictures.OUTPUT]
    assert outline(terminal.plain(shown)) == outline(printed.text), AGAIN
    assert stage.namespace not in shown
    assert "127.0.0.1" not in shown


def outline(text: str) -> list[str]:
    """The toolkit's own lines without times and ids: without the pod's log and events, which are cut off anywhere."""
    text = re.sub(r"\bshop-\w+-\w+\b", "POD", pictures.normal(text))
    text = re.sub(r"restarts: \d+|\d+ restarts?", "RESTARTS", text)
    return [line.rstrip() for line in text.splitlines() if OWN.match(line)]
