"""Breaking changes in a migration's SQL: pods of the previous version still serve while it runs. Pure."""

from __future__ import annotations

import re

# Written by app/db/online.py after a CHECK or a type that accepts every old value.
LOOSER = "/* looser */"
# Written after a UNIQUE index: no row breaks it, and code of any version answers 409 for a duplicate.
NO_DUPLICATES = "/* no duplicates */"
_DESTRUCTIVE = (
    (re.compile(r"\bDROP\s+(TABLE|SCHEMA|VIEW|TYPE|SEQUENCE)\b", re.I), "drops {1}"),
    (re.compile(r"\bDROP\s+COLUMN\b", re.I), "drops a column"),
    (re.compile(r"^(?!\s*ALTER\s+INDEX\b).*\bRENAME\b(?!\s+CONSTRAINT\b)", re.I | re.S), "renames"),
    (re.compile(r"\bSET\s+SCHEMA\b", re.I), "moves to another schema"),
    (re.compile(r"\bALTER\s+COLUMN\s+\S+\s+(SET\s+DATA\s+)?TYPE\b", re.I), "changes a column's type"),
    (re.compile(r"\bALTER\s+COLUMN\s+\S+\s+SET\s+NOT\s+NULL\b", re.I), "makes a column NOT NULL"),
    (re.compile(r"\bALTER\s+COLUMN\s+\S+\s+DROP\s+DEFAULT\b", re.I), "drops a default"),
    (
        re.compile(r"\bADD\s+COLUMN\b(?=.*\bNOT\s+NULL\b)(?!.*\b(DEFAULT|GENERATED)\b)", re.I | re.S),
        "adds a NOT NULL column without default",
    ),
    (re.compile(r"\b(DELETE\s+FROM|TRUNCATE)\b(?!\s+alembic_version)", re.I), "deletes rows"),
    (re.compile(r"^\s*REVOKE\b", re.I), "revokes rights"),
)
# A rule for rows: it breaks only code that writes an existing column.
_RULES = (
    (re.compile(r"\bADD\s+(?:CONSTRAINT\s+\S+\s+)?CHECK\b(?P<on>.*)", re.I | re.S), "adds a CHECK"),
    (re.compile(r"\bADD\s+(?:CONSTRAINT\s+\S+\s+)?UNIQUE\b(?!\s+USING)(?P<on>.*)", re.I | re.S), "adds UNIQUE"),
    (re.compile(r"\bADD\s+(?:CONSTRAINT\s+\S+\s+)?EXCLUDE\b(?P<on>.*)", re.I | re.S), "adds EXCLUDE"),
    (re.compile(r"\bADD\s+(?:CONSTRAINT\s+\S+\s+)?FOREIGN\s+KEY\s*(?P<on>\([^)]*\))", re.I), "adds a foreign key"),
    (re.compile(r"\bCREATE\s+UNIQUE\s+INDEX\b.*?\bON\b(?P<on>.*)", re.I | re.S), "adds UNIQUE"),
)
_ADDED = re.compile(r"\bADD\s+COLUMN\s+(?:IF\s+NOT\s+EXISTS\s+)?\"?([\w$]+)", re.I)
_CREATED = re.compile(r"\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:[\w$]+\.)?\"?([\w$]+)", re.I)
_RENAMED = re.compile(r"\bALTER\s+TABLE\s+(?:[\w$]+\.)?\"?([\w$]+)\"?\s+RENAME\s+TO\b", re.I)
_VIEW = re.compile(r"\bCREATE\s+(?:OR\s+REPLACE\s+)?VIEW\s+(?:[\w$]+\.)?\"?([\w$]+)", re.I)
# The body runs when code writes, not now.
_FUNCTION = re.compile(r"(\bCREATE\s+(?:OR\s+REPLACE\s+)?FUNCTION\b[^;]*?)(\$\w*\$).*?\2", re.I | re.S)
_TABLE = re.compile(r"\b(?:ALTER\s+TABLE|ON)\s+(?:ONLY\s+)?(?:[\w$]+\.)?\"?([\w$]+)", re.I)


def reasons_in(sql: str) -> list[str]:
    """Return the parts of a script that break code for the previous schema; comments and strings are ignored."""
    marked = sql.replace(LOOSER, " __looser__ ").replace(NO_DUPLICATES, " __looser__ ")
    bare = re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", " ", _FUNCTION.sub(r"\1", marked), flags=re.S)
    views = set(_VIEW.findall(bare))
    added, created = set(_ADDED.findall(bare)), set(_CREATED.findall(bare))
    found = []
    for statement in bare.split(";"):
        renamed = _RENAMED.search(statement)
        if "__looser__" in statement or (renamed and renamed[1] in views):
            continue
        for pattern, text in _DESTRUCTIVE:
            if match := pattern.search(statement):
                name = text.replace("{1}", match[1].lower()) if "{1}" in text else text
                found.append(f"{name}: {_short(statement)}")
        table = _TABLE.search(statement)
        if table and table[1] in created:
            continue
        for pattern, text in _RULES:
            match = pattern.search(statement)
            if match and not added & set(re.findall(r"[\w$]+", match["on"])):
                found.append(f"{text}: {_short(statement)}")
    return found


def _short(statement: str) -> str:
    return " ".join(statement.split())[:100]
