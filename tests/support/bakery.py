"""Bakes services, by pytest-cookies or as a user does by `cookiecutter`, from a copy of the files that git knows."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import pytest
from pytest_cookies.plugin import Cookies

PATIENCE = 900  # seconds, for the slowest: all tests of a service on a machine that is busy
# A user who has told git who they are, and nothing else that this machine has.
GIT_CONFIG = "[user]\n\tname = Ada Example\n\temail = ada@example.com\n"


class Bakery:
    """`root` is this repository, `folder` the place for everything; several processes may share it."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.folder = folder
        folder.mkdir(exist_ok=True)

    @cached_property
    def template(self) -> Path:
        """The working tree without what git ignores: no `.venv` and no cache lies around in it."""
        target = self.folder / "template"
        with self._once("template") as first:
            if first:
                listed = self._git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
                for name in filter(None, listed.split("\0")):
                    if (self.root / name).is_file():
                        (target / name).parent.mkdir(parents=True, exist_ok=True)
                        shutil.copy2(self.root / name, target / name)
        return target

    @cached_property
    def environment(self) -> dict[str, str]:
        """A home of its own, with the caches of package downloads that this machine has already."""
        home = self.folder / "home"
        with self._once("home") as first:
            if first:
                home.mkdir()
                (home / ".gitconfig").write_text(GIT_CONFIG)
        dropped = (
            "PYTHONDONTWRITEBYTECODE",
            "PYTHONPATH",
            "VIRTUAL_ENV",
            "DATABASE_URL",
            "ENVIRONMENT",
            "XDG_CACHE_HOME",
        )
        kept = {
            name: value for name, value in os.environ.items() if name not in dropped and not name.startswith("GIT_")
        }
        cache = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
        return {**kept, "HOME": str(home), "UV_CACHE_DIR": cache}

    def bake(self, **answers: str) -> Path:
        """A service with these answers, and the defaults for the others. Shared: nobody writes into it."""
        key = hashlib.sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest()[:10]
        output = self.folder / key
        with self._once(key) as first:
            if first:
                with self._as_a_user():
                    made = Cookies(str(self.template), lambda _: output, self._settings).bake(answers)
                assert made.exit_code == 0, repr(made.exception)  # what the hook printed, pytest shows as captured
        return next(path.parent for path in output.glob("*/service.toml"))

    @property
    def _settings(self) -> Path:
        """Cookiecutter's own, so that it looks for none in the home of whoever runs the tests."""
        path = self.folder / "cookiecutter.yaml"
        path.write_text(f"replay_dir: {self.folder / 'replay'}\ncookiecutters_dir: {self.folder / 'cookiecutters'}\n")
        return path

    @contextmanager
    def _as_a_user(self) -> Iterator[None]:
        """Give this process the variables of `environment`, and the template's folder as the place of `extensions`.

        Cookiecutter adds that folder itself, but pytest-cookies asks the questions once more, before and outside it.
        """
        with pytest.MonkeyPatch.context() as patch:
            for name in os.environ.keys() - self.environment.keys():
                patch.delenv(name)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.syspath_prepend(self.template)
            # This repository's own module may be loaded already, and the template's must not stay.
            patch.setitem(sys.modules, "extensions", None)
            del sys.modules["extensions"]
            yield

    def copy(self, service: Path, target: Path) -> None:
        """A copy to change. What is installed is linked: installers replace files, they don't write into them."""

        def copy(source: str, copied: str) -> None:
            linked = "/site-packages/" in source or Path(source).is_symlink()
            (os.link if linked else shutil.copy2)(source, copied, follow_symlinks=False)

        shutil.copytree(service, target, symlinks=True, copy_function=copy)

    def cookiecutter(
        self, output: Path, *arguments: str, env: Mapping[str, str] | None = None, template: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the program with `--no-input` into `output`; further arguments are options and `question=answer`."""
        output.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-P",  # or `extensions` and `hooks` are those of the current folder, not the template's
            "-m",
            "cookiecutter",
            template or str(self.template),
            "--no-input",
            "-o",
            str(output),
        ]
        return self.run([*command, *arguments], env=env)

    def run(
        self, command: list[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = self.environment if env is None else dict(env)
        return subprocess.run(
            command, cwd=cwd, env=environment, check=False, capture_output=True, text=True, timeout=PATIENCE
        )

    def _git(self, *arguments: str) -> str:
        command = ["git", *arguments]
        return subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True).stdout

    @contextmanager
    def _once(self, name: str) -> Iterator[bool]:
        """True for the first process that gets here; the others wait until it has ended. All of them see a failure."""
        with (self.folder / f"{name}.lock").open("a+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.seek(0)
            before = lock.read()
            assert before != "failed", f"{name} failed in another process; see its message"
            if before:
                yield False
                return
            lock.write("failed")
            lock.flush()
            yield True
            lock.truncate(0)
            lock.write("made")
