"""The task `pictures`: docs/pictures/, drawn from real runs on this machine.

Every picture is SVG, which is text. A picture that this machine cannot draw is left unchanged, with the reason.
"""

import re
import tempfile
from pathlib import Path

from workshop import documents

FOLDER = "docs/pictures"
OUTPUT = "output of a failing deploy"


def make(root: Path) -> None:
    """Draw every picture that this machine can draw, and list them."""
    from workshop import demo as product
    from workshop.pictures import alerts, demo, failing_deploy, page, terminal

    (root / FOLDER).mkdir(exist_ok=True)
    _write(root, "alerts", terminal.draw("alert rules", alerts.shown(root)))
    _write(root, "demo", terminal.draw("demo", demo.record(root)))
    if page.browser():
        with product.serving(root) as address:
            _write(root, "docs", page.draw(address, "/docs"))
    else:
        print("skipped  docs            no Chromium on this machine; install it and run this again")
    if reason := failing_deploy.missing():
        print(f"skipped  failing-deploy  {reason}; start a cluster and run this again")
        return
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
        shown = failing_deploy.record(root, Path(folder))
    _write(root, "failing-deploy", terminal.draw("a deploy that fails", shown))
    documents.replace_block(root / "README.md", OUTPUT, terminal.plain(shown))


def normal(text: str) -> str:
    """Return a text without parts that differ between runs: times, ids, hashes, and the space after them."""
    text = re.sub(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", "UUID", text)
    text = re.sub(r"uv\.lock, .*?  \(", "uv.lock  (", text)  # created now, or from this machine's cache
    text = re.sub(r"\b\d{8}-\d{6}\b", "TIME", text)
    text = re.sub(r"\b\d{8}_[0-9a-f]{12}_", "REVISION_", text)
    text = re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b", "HASH", text)
    text = re.sub(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?\b", "TIME", text)
    return re.sub(r"\b\d+(?:\.\d+)? (s|ms|MB|kB)\b", r"N \1", text)


def _write(root: Path, name: str, picture: str) -> None:
    path = root / FOLDER / f"{name}.svg"
    path.write_text(picture)
    print(f"drawn    {name:<15} {path.relative_to(root)}, {len(picture) // 1024 + 1} kB")
