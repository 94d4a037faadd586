"""Which tests go to the same worker, one after another, when several workers share the machine."""

from pathlib import PurePath, PurePosixPath

from xdist.scheduler.loadscope import LoadScopeScheduling

PLACES = ("cluster", "machine", "ecs", "cloudrun", "azure")


def deploys(path: PurePath) -> bool:
    """Return True for a test file that deploys to a place; tests/toolkit has folders of the same names."""
    return path.parent.name in PLACES and path.parent.parent.name == "tests"


class ByPart(LoadScopeScheduling):
    """The tests of images share an engine with its cache, those of a file of `cluster` a namespace, those of
    `machine` a project; others are free.

    xdist's own groups work by an attribute that pytest 9.2 no longer has: `--dist loadgroup` groups nothing there.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = PurePosixPath(nodeid.partition("::")[0])
        if str(path.parent) == "tests/image":
            return str(path.parent)
        return str(path) if deploys(path) else nodeid
