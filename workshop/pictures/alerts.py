"""The picture of the alert rules: each alert with its severity, delay and description."""

import re
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from workshop.pictures import terminal

RULES = "<<cookiecutter.project_slug>>/observability/prometheus/rules"


def shown(root: Path) -> str:
    """Return the table of the rules in the template."""
    table = Table("Alert", "Severity", "After", "Message", box=None, header_style="bold")
    for path in sorted((root / RULES).glob("*.yml"), reverse=True):
        for rule in (rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]):
            if "alert" in rule:
                severity = rule["labels"]["severity"]
                message = re.sub(r"\{\{ \$(?:labels\.)?(\w+).*?\}\}", r"<\1>", rule["annotations"]["summary"])
                colour = "red" if severity == "page" else "yellow"
                table.add_row(rule["alert"], f"[{colour}]{severity}[/]", rule["for"], message)
    console = Console(width=terminal.WIDTH, force_terminal=True, color_system="truecolor")
    with console.capture() as printed:
        console.print(table)
    return printed.get()
