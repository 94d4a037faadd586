"""A factory for each resource. Written by `invoke resource.add`."""

from types import ModuleType

# In the order of the resource line: what is referred to comes before what refers to it.
FACTORIES: tuple[ModuleType, ...] = ()
