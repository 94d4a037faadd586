"""Programs for the toolkit to call."""

from pathlib import Path


def write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
