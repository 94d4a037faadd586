"""Three-way merge of a generated file that its owner has edited, by `git merge-file`."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from toolkit.resources.write.marks import count, has_marks

LABELS = ("your file", "generated before", "generated now")

_HUNK = re.compile(
    r"^<{7} your file\n(?P<ours>.*?)^\|{7} generated before\n(?P<base>.*?)^={7}\n(?P<theirs>.*?)^>{7} generated now\n",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Merged:
    """The merged text; with conflicts it has git's marks, the generator's former text among them."""

    text: str
    conflicts: int


def merge(ours: str, base: str, theirs: str) -> Merged:
    """Merge what the generator changed (`base` to `theirs`) into the owner's file; its line ends are kept.

    Raises ValueError when git fails.
    """
    windows = "\r\n" in ours
    plain = ours.replace("\r\n", "\n")
    text = _merge_file(plain, base, theirs)
    if has_marks(text):
        text = _HUNK.sub(_adjacent, _merge_file(plain, base, theirs, "--diff3"))
    return Merged(text.replace("\n", "\r\n") if windows else text, count(text))


def _adjacent(hunk: re.Match[str]) -> str:
    """Resolve a hunk in which the two sides change neighbouring lines, which is a conflict for git.

    Typically a field is added below the last one, where the owner has added a method: the field comes first.
    """
    ours, base, theirs = hunk["ours"], hunk["base"], hunk["theirs"]
    if ours.startswith(base):
        return theirs + ours[len(base) :]
    if ours.endswith(base):
        return ours[: len(ours) - len(base)] + theirs
    if theirs.startswith(base):
        return ours + theirs[len(base) :]
    if theirs.endswith(base):
        return theirs[: len(theirs) - len(base)] + ours
    return hunk[0]


def _merge_file(ours: str, base: str, theirs: str, *options: str) -> str:
    with TemporaryDirectory(prefix="merge-") as folder:
        paths = [Path(folder, name) for name in ("ours", "base", "theirs")]
        for path, text in zip(paths, (ours, base, theirs), strict=True):
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
        labels = [part for label in LABELS for part in ("-L", label)]
        command = ["git", "merge-file", "--stdout", "--quiet", *options, *labels, *map(str, paths)]
        try:
            done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - a fixed program
        except FileNotFoundError:
            raise ValueError("git, which merges files that you have edited, is not installed; install it") from None
    if not 0 <= done.returncode < 128:  # the number of conflicts
        raise ValueError(f"git merge-file failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode("utf-8", "surrogateescape")
