"""Removals for each answer. One table: the hook applies it, the tests check it.

Cookiecutter aborts on a conditional directory with an empty name, so the template contains every file, and files that
an answer excludes are removed (or renamed) afterwards. Standard library and Jinja only.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment

RENDERED_LATER = ("app", "alembic", "tests", "tasks.py")
STRAYS = (
    *("__pycache__", ".venv", ".dev", ".hypothesis", ".pytest_cache", ".ruff_cache", ".schemathesis", ".coverage*"),
    "uv.lock",
)


@dataclass(frozen=True)
class Effect:
    """Paths to remove, and variants that replace another file, below the service's root."""

    remove: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)


# Files that only a service with users of its own has.
ACCOUNTS = (
    "app/accounts",
    "app/auth/account_settings.py",
    "app/auth/development_tokens_accounts.py",
    "app/auth/provider_accounts.py",
    "app/auth/roles.py",
    "app/auth/signing.py",
    "app/commands/keys.py",
    "app/commands/user.py",
    "app/models/user.py",
    "docs/security.md",
    "tests/integration/accounts",
    "tests/support/identity_accounts.py",
    "tests/support/mailbox.py",
    "tests/unit/accounts",
)

# Files that only a service on a cluster has.
CLUSTER = ("helm", "k8s")
PREVIEWS = ".github/workflows/preview.yml"  # of clusters and machines
# Pages that only a service of that place has.
PAGES = {
    "cloudrun": ("docs/cloudrun.md",),
    "containerapps": ("docs/containerapps.md", "docs/instances.md"),
    "ecs": ("docs/ecs.md",),
}


def _pages_but(place: str = "") -> tuple[str, ...]:
    return tuple(path for name, paths in PAGES.items() if name != place for path in paths)


OPTION_FILES: Mapping[tuple[str, str], Effect] = {
    ("place", "kubernetes"): Effect(remove=_pages_but()),
    ("place", "machine"): Effect(remove=(*_pages_but(), *CLUSTER)),
    ("place", "ecs"): Effect(remove=(*_pages_but("ecs"), *CLUSTER, PREVIEWS)),
    ("place", "cloudrun"): Effect(remove=(*_pages_but("cloudrun"), *CLUSTER, PREVIEWS)),
    ("place", "containerapps"): Effect(remove=(*_pages_but("containerapps"), *CLUSTER, PREVIEWS)),
    ("driver", "manifests"): Effect(remove=("helm",)),
    ("driver", "helm"): Effect(remove=("k8s",)),
    ("ci", "github"): Effect(remove=(".gitlab-ci.yml",)),
    ("ci", "gitlab"): Effect(remove=(".github",)),
    ("ci", "none"): Effect(remove=(".github", ".gitlab-ci.yml")),
    ("infra", "none"): Effect(remove=("infra", "docs/infrastructure.md")),
    ("infra", "aws"): Effect(remove=("infra/google", "infra/azure")),
    ("infra", "google"): Effect(remove=("infra/aws", "infra/azure")),
    ("infra", "azure"): Effect(remove=("infra/aws", "infra/google")),
    ("auth", "jwt"): Effect(remove=("app/core/security_none.py", "tests/support/identity_none.py", *ACCOUNTS)),
    ("auth", "accounts"): Effect(
        remove=(
            "app/auth/jwks.py",
            "app/auth/settings.py",
            "app/core/security_none.py",
            "docs/identity-providers.md",
            "tests/support/identity_none.py",
            "tests/support/key_server.py",
            "tests/unit/auth",
        ),
        rename={
            "app/auth/development_tokens_accounts.py": "app/auth/development_tokens.py",
            "app/auth/provider_accounts.py": "app/auth/provider.py",
            "tests/support/identity_accounts.py": "tests/support/identity.py",
        },
    ),
    ("auth", "none"): Effect(
        remove=(
            *ACCOUNTS,
            "app/auth",
            "app/commands/token.py",
            "docs/identity-providers.md",
            "tests/integration/test_auth_matrix.py",
            "tests/support/key_server.py",
            "tests/unit/auth",
        ),
        rename={
            "app/core/security_none.py": "app/core/security.py",
            "tests/support/identity_none.py": "tests/support/identity.py",
        },
    ),
}


def effects(answers: Mapping[str, str]) -> Iterator[Effect]:
    for (question, answer), effect in OPTION_FILES.items():
        if answers[question] == answer:
            yield effect


def remove_strays(project: Path) -> None:
    """Remove untracked files of the template, which were copied too."""
    for name in STRAYS:
        for path in sorted(project.rglob(name)):
            _remove(path)


def remove_sample(project: Path) -> None:
    """Remove the template's own resource, with which the service runs and is tested in place."""
    manifest = project / ".generated.json"
    generated = json.loads(manifest.read_text()) if manifest.exists() else {}
    for name in (".generated.json", "app/resources.py", *generated.get("files", generated)):
        _remove(project / name)


def apply_files(project: Path, answers: Mapping[str, str]) -> None:
    for effect in effects(answers):
        for name in effect.remove:
            _remove(project / name)
        for source, target in effect.rename.items():
            _rename(project / source, project / target)


def apply_regions(project: Path, answers: Mapping[str, str]) -> None:
    """Remove lines from Python, which is never rendered: Jinja with line statements only (`# % if ...`)."""
    environment = _line_statements()
    for path in python_files(project):
        text = path.read_text(encoding="utf-8")
        if "# % " in text:
            path.write_text(environment.from_string(text).render(cookiecutter=answers), encoding="utf-8")


def _line_statements() -> Environment:
    return Environment(  # noqa: S701  # Python, not HTML
        line_statement_prefix="# %",
        keep_trailing_newline=True,
        # The other delimiters are characters that no source contains.
        variable_start_string="\0(",
        variable_end_string=")\0",
        block_start_string="\0[",
        block_end_string="]\0",
        comment_start_string="\0{",
        comment_end_string="}\0",
    )


def python_files(project: Path) -> Iterator[Path]:
    for name in RENDERED_LATER:
        path = project / name
        if path.is_dir():
            yield from path.rglob("*.py")
        elif path.exists():
            yield path


def _rename(source: Path, target: Path) -> None:
    """Move a variant to its place, and rename its module in its own text."""
    if source.exists():
        text = source.read_text(encoding="utf-8").replace(_module(source), _module(target))
        target.write_text(text, encoding="utf-8")
        source.unlink()


def _module(path: Path) -> str:
    return path.stem.removeprefix("test_")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
