"""A factory for each resource. Written by `invoke resource.add`."""

from types import ModuleType

# In the order of references: a resource comes after those that it refers to.
FACTORIES: tuple[ModuleType, ...] = ()
