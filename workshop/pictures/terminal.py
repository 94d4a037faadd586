"""A command in a terminal, and the picture of its output."""

import contextlib
import fcntl
import html
import io
import os
import pty
import re
import struct
import subprocess
import termios
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich import _export_format
from rich.console import Console
from rich.text import Text

WIDTH = 120
# Rich's own frame names fonts on a web server: a picture loads nothing.
FRAME = re.sub(r"@font-face \{\{.*?\}\}", "", _export_format.CONSOLE_SVG_FORMAT, flags=re.DOTALL)
REDRAWN = re.compile(r"[^\n]*\r\x1b\[K")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
DRAWN = re.compile(r'clip-path="url\(#terminal-line-(\d+)\)">(.*?)</text>', re.DOTALL)


def record(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> tuple[int, str]:
    """Run a command in a terminal of WIDTH columns. Return its exit code and the screen, with colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, WIDTH, 0, 0))
    environment = {**variables, "TERM": "xterm-256color"}
    child = subprocess.Popen(command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    read = bytearray()
    with contextlib.suppress(OSError):  # EIO: the command has ended
        while part := os.read(ours, 65536):
            read += part
    os.close(ours)
    return child.wait(), screen(read.decode(errors="replace"))


def screen(written: str) -> str:
    """Return the final screen of a terminal, without lines that were redrawn."""
    return REDRAWN.sub("", written.replace("\r\n", "\n")).replace("\r", "")


def plain(shown: str) -> str:
    return COLOURS.sub("", shown)


def draw(title: str, shown: str) -> str:
    """Return an SVG document of a terminal with this text. The same text gives the same document."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(shown))
    drawn = console.export_svg(title=title, code_format=FRAME, unique_id="terminal")
    return re.sub(r"\s*\n", "\n", drawn)


def lines(picture: str) -> list[str]:
    """Return the lines of text in a document of `draw`."""
    rows: defaultdict[int, str] = defaultdict(str)
    for row, text in DRAWN.findall(picture):
        rows[int(row)] += html.unescape(text).replace("\xa0", " ").replace("\n", "")
    return [rows[row].rstrip() for row in range(max(rows, default=-1) + 1)]
