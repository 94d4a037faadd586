"""A service that resources are generated for, with small templates instead of the real ones."""

from pathlib import Path

from toolkit.resources.write.generator import Change

TEMPLATES = {
    "app/models/[module].py.j2": 'NAME = "<< resource.name >>"\nAUTH = "<< answers.auth >>"\n',
    "app/endpoints/[plural_module].py.j2": (
        'PATH = "/<< resource.url >>"\n# % for field in resource.fields\nX = "<< field.name >>"\n# % endfor\n'
    ),
    "app/resources.py.j2": 'NAMES = [<% for each in resources %>"<< each.name >>", <% endfor %>]\n',
    "docs/[name].md.j2": "# << resource.title >>\n",
    "macros.j2": "never written",
}
SERVICE = """# kept
[service]
name = "shop"

[answers]
auth = "jwt" # kept too

[resources]
# the lines
lines = [
]

[more]
lines = ["not these"]
"""
PRODUCT = "product: name:str price:decimal(10,2)>0"


def files(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def statuses(changes: list[Change]) -> dict[str, str]:
    return {change.path: change.status for change in changes}
