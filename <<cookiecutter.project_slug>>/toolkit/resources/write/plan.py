"""The plan of all files: what the generator makes of the resources, compared and merged with what is there."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from toolkit.resources.line.model import Resource, by_reference
from toolkit.resources.line.parser import ResourceErrors, parse
from toolkit.resources.write import layout, manifest, marks, renaming
from toolkit.resources.write.change import Change, GeneratorError
from toolkit.resources.write.merge import merge
from toolkit.resources.write.render import TEMPLATES, place, render, targets


@dataclass(frozen=True)
class Wanted:
    """The resources to write, and those that the existing files were made from, as far as is known.

    `renamed` is old to new name of a resource. `removes`: delete the files of resources that no longer exist.
    """

    after: tuple[Resource, ...]
    before: tuple[Resource, ...] = ()
    renamed: Mapping[str, str] | None = None
    removes: bool = False


def plan(wanted: Wanted, context: Mapping[str, Any], root: Path, templates: Path = TEMPLATES) -> list[Change]:
    """Return every file of the resources, and every other file of the manifest, with its state. Writes nothing.

    Without ruff, the files are as the templates render them.
    """
    return _Plan(wanted, context, root, templates, manifest.read(root)).changes()


def text_of(path: Path) -> str | None:
    """Return the text of a file, or None without one."""
    return path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else None


def former(lines: Sequence[str]) -> tuple[Resource, ...]:
    """Return the resources of former lines; none if this version of the grammar refuses them."""
    try:
        return parse(";\n".join(lines)) if lines else ()
    except ResourceErrors:
        return ()


@dataclass(frozen=True)
class _Plan:
    wanted: Wanted
    context: Mapping[str, Any]
    root: Path
    templates: Path
    recorded: manifest.Manifest

    def changes(self) -> list[Change]:
        made = self._arranged(dict(self._render(self.wanted.after)))
        changes = [self._change(path, content) for path, content in sorted(made.items())]
        gone = (path for path in sorted(self.recorded.files) if path not in made and path not in self._sources.values())
        return changes + [self._gone(path, found) for path in gone if (found := text_of(self.root / path)) is not None]

    def _change(self, path: str, content: str) -> Change:
        source = self._sources.get(path, "")
        found = text_of(self.root / (source or path))
        if source and found is None:  # moved already, before an interruption
            source, found = "", text_of(self.root / path)
        origin = source or path
        if found is None:
            return Change(path, content, "deleted" if origin in self.recorded.files else "create")
        if source and (self.root / path).exists():
            return Change(path, content, "foreign", text_of(self.root / path))
        if marks.has_marks(found):
            if self._is_list_without_edits(path, found, content):
                return Change(path, content, "update", found)
            merged = self._of_both_sides(path, content)
            if merged is None:
                return Change(path, content, "unresolved", found)
            return Change(path, merged, "update" if merged == content else "merge", found, content)
        if manifest.digest(found) == manifest.digest(content):
            return Change(path, content, "ok", found, source=source)
        if origin not in self.recorded.files:
            return Change(path, content, "foreign", found)
        if self.recorded.is_unedited(origin, found):
            return Change(path, content, "update", found, source=source)
        return self._edited(path, content, found, source)

    def _edited(self, path: str, content: str, found: str, source: str) -> Change:
        base = self._base(source or path)
        if base is None:
            return Change(path, content if not source else found, "edited", found, source=source)
        ours = found
        if path in self._targets:
            old, new, _ = self._targets[path]
            ours, base = renaming.carry(found, base, content, old, new)
        if self.recorded.merging and self._is_list_without_edits(path, found, content):
            return Change(path, content, "update", found)
        try:
            merged = merge(ours, base, content)
        except ValueError as error:
            raise GeneratorError(f"nothing was written: {error}") from None
        if merged.conflicts:
            return Change(path, merged.text, "conflict", found, content, source)
        return Change(path, merged.text, "edited" if merged.text == found else "merge", found, content, source)

    def _is_list_without_edits(self, path: str, found: str, content: str) -> bool:
        """Return True for a list of all resources that has no word of its owner: git merged it, or left its marks."""
        made = f"{content}{self._base(path) or ''}"
        words = (set(re.findall(r"\w+", text)) for text in (marks.without_marks(found), made))
        return path in targets(self.templates) and next(words) <= next(words)

    def _of_both_sides(self, path: str, content: str) -> str | None:
        """Return an unmerged file with the edits of both sides of the git merge; None if they cannot be merged."""
        _, *texts = marks.in_index(self.root, path)
        carried = []
        for text, lines in zip(texts, self.recorded.sides, strict=False):
            base = dict(self._render(former(lines))).get(path)
            if text is None or base is None:
                return None
            carried.append(merge(text, self._arranged({path: base})[path], content))
        if len(carried) < 2 or any(each.conflicts for each in carried):
            return None
        merged = merge(carried[0].text, content, carried[1].text)
        return None if merged.conflicts else merged.text

    def _gone(self, path: str, found: str) -> Change:
        unedited = self.recorded.is_unedited(path, found) or found == self._base(path)
        # A file of all resources that none of them needs any more belongs to no resource.
        removes = self.wanted.removes or path in targets(self.templates)
        return Change(path, "", "remove" if removes and unedited else "orphan", found)

    def _base(self, path: str) -> str | None:
        """Return what the generator made of the former resources, in today's layout."""
        text = self._former.get(path)
        return None if text is None else self._arranged({path: text})[path]

    @cached_property
    def _former(self) -> Mapping[str, str]:
        return dict(self._render(self.wanted.before))

    @cached_property
    def _sources(self) -> Mapping[str, str]:
        """The former path of each file that moves with its resource's name."""
        former = {path: place(target, old) for path, (old, _, target) in self._targets.items()}
        return {path: old for path, old in former.items() if path != old}

    @cached_property
    def _targets(self) -> Mapping[str, tuple[Resource, Resource, str]]:
        before = {resource.name: resource for resource in self.wanted.before}
        after = {resource.name: resource for resource in self.wanted.after}
        pairs = [(before[old], after[new]) for old, new in (self.wanted.renamed or {}).items() if old in before]
        found = [target for target in targets(self.templates) if "[" in target]
        return {place(target, new): (old, new, target) for old, new in pairs for target in found}

    def _render(self, resources: Iterable[Resource]) -> Iterable[tuple[str, str]]:
        return render(by_reference(resources), self.context, self.templates)

    def _arranged(self, files: dict[str, str]) -> dict[str, str]:
        ruff = layout.find_ruff(self.root)
        try:
            return layout.arrange(files, self.root, ruff) if ruff else files
        except ValueError as error:
            raise GeneratorError(f"nothing was written: ruff failed on the rendered files\n{error}") from error
