"""Judges the answers to the template's questions, before a file is written. Pure; standard library only.

The answers end up in TOML, YAML, Markdown, container labels and shell lines. Rather than to trust every one of those to
escape, what has a meaning in one of them is not legal in an answer.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from toolkit.resources.line.errors import quote
from toolkit.resources.line.parser import ResourceErrors, parse

CHOICES: Mapping[str, tuple[str, ...]] = {
    "driver": ("manifests", "helm"),
    "auth": ("jwt", "none"),
    "license": ("MIT", "Apache-2.0", "BSD-3-Clause", "Proprietary"),
    "python_version": ("3.11", "3.12", "3.13", "3.14"),
    "ci": ("github", "gitlab", "none"),
}

# Helm's limit for a release; Kubernetes and DNS have 63, and names are made from it.
SLUG_LENGTH = 53
NAME_LENGTH, PROSE_LENGTH, REGISTRY_LENGTH = 60, 200, 150
SPECIAL = '"\\`$<>{}'

# Databases, namespaces and names of the machine's own that the slug would stand in for.
TAKEN_SLUGS: Mapping[str, str] = {
    **dict.fromkeys(("postgres", "template0", "template1"), "PostgreSQL has a database of that name"),
    "default": "Kubernetes has a namespace of that name",
    "localhost": "every machine calls itself so",
    **dict.fromkeys(("y", "n", "yes", "no", "on", "off", "true", "false", "null"), "YAML does not read it as a text"),
}

_SLUG = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
_HOST = r"(?:localhost|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+)(?::[0-9]{1,5})?"
_PATH = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = re.compile(rf"{_HOST}(?:/{_PATH})*/?")
_MAIL = re.compile(r" <[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+>\Z")

_DERIVED = ("description", "author")


def check_answers(answers: Mapping[str, object]) -> list[str]:
    """What is wrong with the answers, one text each that names the question, what was given and what is legal."""
    faults: list[str] = []
    name = str(answers.get("project_name", "")) or "\0"
    for question, judge in _JUDGES.items():
        given = answers.get(question, "")
        if not isinstance(given, str):
            faults.append(f"{question} is {quote(repr(given))}; expected a text")
            continue
        if question in _DERIVED and faults and name in given:
            given = given.replace(name, "it")  # by default they hold the name, whose faults are told once
        faults += [f"{question} {fault}" for fault in judge(given)]
    for question, choices in CHOICES.items():
        given = answers.get(question, "")
        if given not in choices:
            faults.append(f"{question} is {quote(str(given))}; expected one of {', '.join(choices)}")
    return faults


def _project_name(given: str) -> Iterator[str]:
    yield from _prose(given, NAME_LENGTH)
    if given.strip() and not any(sign.isalnum() for sign in given):
        yield f"is {quote(given)}; expected a letter or digit in it"


def _slug(given: str) -> Iterator[str]:
    rule = f"1 to {SLUG_LENGTH} small letters a-z, digits and hyphens, a letter at first and no hyphen at last"
    if not given:
        yield f"is empty; expected {rule}, such as `product-catalogue`"
    elif not _SLUG.fullmatch(given):
        yield f"is {quote(given)}; expected {rule} (it becomes the folder, the image and host names){_near(given)}"
    elif len(given) > SLUG_LENGTH:
        yield f"has {len(given)} characters; expected {rule} (Helm takes no more); shorten it"
    elif reason := TAKEN_SLUGS.get(given):
        yield f"is {quote(given)}; expected another, as {reason}; try `{given}-service`"
    elif given.startswith("kube-"):
        yield f"is {quote(given)}; expected another, as Kubernetes keeps what begins with `kube-` for itself"


def _near(given: str) -> str:
    made = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-").lstrip("0123456789-")[:SLUG_LENGTH].rstrip("-")
    return f"; did you mean `{made}`?" if _SLUG.fullmatch(made) else ""


def _description(given: str) -> Iterator[str]:
    yield from _prose(given, PROSE_LENGTH)


def _author(given: str) -> Iterator[str]:
    yield from _prose(_MAIL.sub("", given), PROSE_LENGTH, ", `Name <mail@example.com>` apart")


def _prose(given: str, most: int, besides: str = "") -> Iterator[str]:
    """One printed line, without a sign that means something in TOML, YAML, Markdown, a shell or a Dockerfile."""
    rule = f"one line of 1 to {most} characters"
    if not given.strip():
        yield f"is empty; expected {rule}"
        return
    if len(given) > most:
        yield f"has {len(given)} characters; expected {rule}"
    if given != given.strip():
        yield f"is {quote(given)}; expected no white space at its ends"
    elif hidden := [sign for sign in given if not sign.isprintable()]:
        named = ", ".join(f"U+{ord(sign):04X}" for sign in dict.fromkeys(hidden[:5]))
        yield f"has the invisible character {named}; expected {rule} of printable ones"
    if found := [sign for sign in SPECIAL if sign in given]:
        listed = " ".join(found)
        yield f"is {quote(given)} and has {listed} in it; expected none of {' '.join(SPECIAL)}{besides}; leave them out"


def _registry(given: str) -> Iterator[str]:
    rule = "a host and a path in small letters, such as docker.io/NAME, localhost:5000 or ghcr.io/NAME/TEAM"
    if len(given) > REGISTRY_LENGTH:
        yield f"has {len(given)} characters; expected at most {REGISTRY_LENGTH}"
    elif not _REGISTRY.fullmatch(given):
        yield f"is {quote(given)}; expected {rule}{_registry_hint(given)}"
    elif (port := re.search(r":([0-9]+)", given)) and not 0 < int(port[1]) < 2**16:
        yield f"is {quote(given)} with the port {port[1]}; expected 1 to 65535"
    elif given.rstrip("/") == "docker.io":
        yield f"is {quote(given)}; expected your name on Docker Hub too, such as docker.io/NAME"


def _registry_hint(given: str) -> str:
    made = re.sub(r"^[a-z]+://", "", given.strip().lower()).strip("/")
    if re.fullmatch(_PATH, made) and "." not in made:
        made = f"docker.io/{made}"
    return f"; did you mean `{made}`?" if _REGISTRY.fullmatch(made) else ""


def _resources(given: str) -> Iterator[str]:
    try:
        parse(given)
    except ResourceErrors as errors:
        for block in errors.blocks():
            yield f"in {block}"


_JUDGES: Mapping[str, Callable[[str], Iterator[str]]] = {
    "project_name": _project_name,
    "project_slug": _slug,
    "description": _description,
    "author": _author,
    "registry": _registry,
    "resources": _resources,
}
