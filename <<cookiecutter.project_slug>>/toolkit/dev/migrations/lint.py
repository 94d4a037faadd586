"""The task `migrate.lint`: squawk reads the SQL of each revision; findings name the revision's file and line."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from toolkit.dev import service
from toolkit.dev.migrations import offline_sql
from toolkit.dev.migrations.unreleased import Unknown, Unreleased, unreleased

SQUAWK = Path(sys.executable).parent / "squawk"


def lint(project: Path, since: str = "", *, every: bool = False) -> None:
    """Print each finding as `file:line: rule: message`. Raises SystemExit 1 for any, or with the fault of the files.

    Only revisions that are not released are checked: those after `since`, a revision or a commit, by default those that
    the default branch lacks. A revision with a marker (`# deploy: ...`) was classified by its author and is skipped.
    """
    try:
        found = service.revisions(project)
        _ = found.head
        chosen = Unreleased(found.ordered) if every else unreleased(project, found, since)
    except (service.ServiceError, Unknown) as error:
        raise SystemExit(f"migrate.lint: {error}.") from None
    if chosen.note:
        print(f"Note: {chosen.note}")
    for revision in chosen.revisions:
        if revision.marker:
            print(f"{revision.place}: skipped, marked `# deploy: {' '.join((revision.marker, *revision.contract_of))}`")
    judged = [revision for revision in chosen.revisions if not revision.marker]
    findings = list(_findings(project, judged))
    for finding in findings:
        print(finding)
    if findings:
        print(
            f"\n{_count(findings, 'finding')}. Correct the revision; or, if it is intended, "
            "write `# deploy: additive` or `# deploy: destructive` into its file (docs/database.md)."
        )
        raise SystemExit(1)
    since_when = f" since {chosen.since} (--all checks every revision)" if chosen.since else ""
    print(f"{_count(judged, 'revision')} checked{since_when}: no findings")


def _count(items: Sequence[object], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _findings(project: Path, judged: Sequence[service.Revision]) -> Iterator[str]:
    scripts = [offline_sql.script_of(revision) for revision in judged]
    reported = _squawk(project, scripts)
    for revision, script, items in zip(judged, scripts, reported, strict=True):
        for line, text in sorted(items):
            yield f"{revision.place}:{line}: {text}"
        if script.unreadable:
            yield f"{script.unreadable}; mark it `# deploy: additive` or `# deploy: destructive` (docs/database.md)"


def _squawk(project: Path, scripts: Sequence[offline_sql.Script]) -> list[list[tuple[int, str]]]:
    """Return, for each script, the lines of its revision with squawk's findings."""
    with tempfile.TemporaryDirectory(prefix="revisions-") as folder:
        files = [Path(folder) / f"{number}.sql" for number, _ in enumerate(scripts)]
        for file, script in zip(files, scripts, strict=True):
            file.write_text(script.sql + "\n", encoding="utf-8")
        # Its settings are in .squawk.toml, next to tasks.py. Run from there, its patterns miss files elsewhere.
        command = [str(SQUAWK), "--config", str(project / ".squawk.toml"), "--reporter", "json", *map(str, files)]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False) if files else None
    if done is None:
        return []
    try:
        reported = json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"migrate.lint: squawk failed:\n{done.stderr or done.stdout}") from None
    return [
        [
            (line, _text(item))
            for item in reported
            # 0 is the transaction around it, which an unreadable revision leaves open
            if Path(item["file"]).name == file.name and (line := _line_of(script, item["line"]))
        ]
        for file, script in zip(files, scripts, strict=True)
    ]


def _text(item: dict[str, str]) -> str:
    return f"{item['rule_name']}: {item['message']} {item['help'] or ''}".strip()


def _line_of(script: offline_sql.Script, line: int) -> int:
    """Return the revision's line for a line (from 0) of its SQL."""
    passed = 0
    for statement in script.statements:
        passed += statement.sql.count("\n") + 1
        if line < passed:
            return statement.line
    return 0
