"""README's "Deployment", from nothing to a served URL: default answers, no namespace, and the text alone.

What a person has from elsewhere is given: a database and an identity provider in the cluster, a registry, and the
address of each. Everything else is typed as README and the messages print it.
"""

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import provider
from tests.support.running import free_port, wait_for
from tests.support.stage import PASSWORD, REGISTRY, Ended, Stage, namespace, run
from workshop import documents

ROUNDS = 3
PLACEHOLDERS = re.compile(r"\b(USER|PASSWORD|HOST|DATABASE|VALUE)\b")


@dataclass
class Person:
    """Types commands into a shell in the service's folder, and lines into its inventory."""

    project: Path
    environment: dict[str, str]
    settings: dict[str, str]
    database: str

    def types(self, command: str) -> Ended:
        began = time.monotonic()
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        return Ended(done.returncode, done.stdout + done.stderr, time.monotonic() - began)

    def applies(self, fix: str) -> None:
        """A fix as it is printed: a command, or a change to the inventory. Values stand in for placeholders."""
        if found := re.fullmatch(r".*in deploy/inventory\.yaml, under `staging:`, add  (.+)", fix):
            self.edits(r"^staging:\n", rf"\g<0>  {found[1]}\n")
        elif found := re.fullmatch(r".*under `settings:` of `staging:`, set or correct (.+)", fix):
            for name in found[1].split(", "):
                self.edits(rf"^    # {name}: .*\n", f"    {name}: {self.settings[name]}\n")
        else:
            assert fix.startswith("kubectl "), fix
            filled = fix.replace("postgresql://USER:PASSWORD@HOST:5432/DATABASE", self.database)
            assert not PLACEHOLDERS.search(filled), filled
            ended = self.types(filled)
            assert ended.code == 0, f"{filled}\n{ended}"

    def edits(self, pattern: str, line: str) -> None:
        """The first place of the inventory, which is that of staging."""
        path = self.project / "deploy" / "inventory.yaml"
        text, count = re.subn(pattern, line, path.read_text(), count=1, flags=re.MULTILINE)
        assert count == 1, f"{pattern} is not in the inventory"
        path.write_text(text)


@pytest.fixture
def person(actor: Stage, tmp_path: Path) -> Iterator[Person]:
    """Prerequisites outside the future namespace. The database is empty."""
    project = tmp_path / "shop"
    shutil.copytree(actor.project, project, symlinks=True)
    backing = actor.images.repository.split("/")[-2]  # the name in the certificate of the identity provider
    own = f"test-{uuid.uuid4().hex[:8]}"
    settings = {**provider.VARIABLES, "JWT_JWKS_URL": f"https://{provider.HOST}.{backing}/jwks.json"}
    environment = {
        **actor.environment,
        "PATH": f"{project / '.venv' / 'bin'}:{actor.environment['PATH']}",
        "TOKEN": actor.token,
        "DEPLOY_NAMESPACE": own,
        "DEPLOY_REPOSITORY": f"{REGISTRY}/{own}/shop",
    }
    try:
        with namespace(backing, f"{actor.images.repository}@{actor.images['identity']}"):
            url = f"postgresql://postgres:{PASSWORD}@postgres.{backing}:5432/shop"
            yield Person(project, environment, settings, url)
    finally:
        subprocess.run(["kubectl", "delete", "namespace", own, "--wait=false", "--ignore-not-found"], check=False)


@pytest.mark.drill(minutes=2)
def test_from_nothing_to_a_served_url(person: Person, actor: Stage) -> None:
    own = person.environment["DEPLOY_NAMESPACE"]
    doctor, deploy, reach, later = commands_of(person.project)

    refusals = []
    for _ in range(ROUNDS):
        told = person.types("\n".join(doctor))
        assert told.code in (0, 6), told
        if told.code == 0:
            break
        for fix in re.findall(r"^ +fix: (.+)$", told.out, re.MULTILINE):
            refused = person.types(deploy[1])
            assert refused.code == 6, refused
            refusals += re.findall(r"^([A-Z_]+): ", refused.out, re.MULTILINE)
            assert "  next: " in refused.out
            assert nothing_is_made(own, person), f"{refused}"
            person.applies(fix)
            if "create namespace" in fix:
                trust_the_provider(person, own, Path(actor.images.keys))
    assert told.code == 0, told
    print(f"refusals: {', '.join(dict.fromkeys(refusals))}")
    assert set(refusals) == {"NO_PIN", "SECRET_MISSING", "SETTINGS_REFUSED"}

    shown = person.types(deploy[0])
    assert shown.code == 0, shown
    assert nothing_is_made(own, person)
    deployed = person.types(deploy[1])
    print(f"deploy: {deployed.seconds:.1f} s")
    assert deployed.code == 0, deployed
    assert "2 of 2 ready" in person.types(deploy[2]).out

    with forwarded(person, reach[0]) as port:
        checked = person.types(reach[1].replace("8080", str(port)))
        assert checked.code == 0, checked
        assert re.search(r"^ok +create ", checked.out, re.MULTILINE), checked
        address = f"http://127.0.0.1:{port}/api/v1/products"
        made = call(address, person.environment["TOKEN"], {"name": "Lamp", "price": "9.50"})
        assert call(f"{address}/{made['id']}", person.environment["TOKEN"])["name"] == "Lamp"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            call(address, "")
    assert "deployed" in person.types(later[0]).out


def commands_of(project: Path) -> list[list[str]]:
    """The commands of the section, block by block."""
    readme = project / "README.md"
    lines = readme.read_text().splitlines()
    first = lines.index("## Deployment") + 1
    last = next(number for number in range(first + 1, len(lines)) if lines[number].startswith("## "))
    printed = [block.text for block in documents.shell_blocks(readme) if first < block.line < last]
    return [text.strip().splitlines() for text in printed]


def nothing_is_made(own: str, person: Person) -> bool:
    """No object of the service, and no image in the registry."""
    kinds = "deployments,jobs,services,networkpolicies,leases,poddisruptionbudgets"
    found = run("kubectl", "-n", own, "get", kinds, "-o", "name").split()
    found += [name for name in run("kubectl", "-n", own, "get", "cm", "-o", "name").split() if "/shop" in name]
    host, _, path = person.environment["DEPLOY_REPOSITORY"].partition("/")
    try:
        with urllib.request.urlopen(f"http://{host}/v2/{path}/tags/list", timeout=60) as answer:
            found += json.loads(answer.read())["tags"] or []
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
    return not found


def trust_the_provider(person: Person, own: str, keys: Path) -> None:
    """The CA of the provider is one that only this run knows: as README has it for a company's own."""
    run("kubectl", "-n", own, "create", "configmap", "ca", f"--from-file=ca.pem={keys / 'ca.pem'}")
    volumes = "volumes: [{name: ca, configMap: {name: ca}}]"
    mounts = "volume_mounts: [{name: ca, mountPath: /etc/ca, readOnly: true}]"
    person.edits(r"^staging:\n", rf"\g<0>  {volumes}\n  {mounts}\n")
    person.edits(r"^    LOG_LEVEL: INFO\n", r"\g<0>    SSL_CERT_FILE: /etc/ca/ca.pem\n")


@contextmanager
def forwarded(person: Person, command: str) -> Iterator[int]:
    """README's port-forward in the background, with a port that is free and the namespace of this run."""
    port = free_port()
    shown = command.removesuffix(" &").replace("8080", str(port))
    shown = re.sub(r"--namespace \S+", f"--namespace {person.environment['DEPLOY_NAMESPACE']}", shown)
    child = subprocess.Popen(shown.split(), env=person.environment, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout
        wait_for(lambda: "Forwarding" in child.stdout.readline(), "the port is forwarded")
        yield port
    finally:
        child.terminate()
        child.wait()
        if child.stdout:
            child.stdout.close()


def call(url: str, token: str, body: object = None) -> dict[str, str]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers)  # noqa: S310 - our own address
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        found: dict[str, str] = json.loads(answer.read())
        return found
