"""Which tests go to the same worker, one after another, when several workers share the machine."""

from pathlib import PurePosixPath

from xdist.scheduler.loadscope import LoadScopeScheduling


class ByPart(LoadScopeScheduling):
    """The tests of images share an engine with its cache, those of a file of `cluster` a namespace, those of
    `machine` a project; others are free.

    xdist's own groups work by an attribute that pytest 9.2 no longer has: `--dist loadgroup` groups nothing there.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = PurePosixPath(nodeid.partition("::")[0])
        if path.parent.name == "image":
            return str(path.parent)
        return str(path) if path.parent.name in ("cluster", "machine", "ecs", "cloudrun", "azure") else nodeid
