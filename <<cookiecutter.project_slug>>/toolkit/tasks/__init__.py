"""The tasks of every service, one module for each group; each task calls the module that does the work.

The service's own tasks.py passes them to invoke, with the service's folder as `project` in their configuration.
"""

from invoke import Collection

from toolkit.tasks import (
    backups,
    containers,
    deploy,
    develop,
    infrastructure,
    migrate,
    operate,
    preview,
    resource,
    template,
)
from toolkit.tasks.accounts import keys, user
from toolkit.tasks.develop import token

__all__ = ["keys", "namespace", "token", "user"]

namespace = Collection()
for group in (develop.namespace, containers.namespace, deploy.namespace, operate.namespace, backups.namespace):
    for task in group.tasks.values():
        namespace.add_task(task)
    for collection in group.collections.values():
        namespace.add_collection(collection)
groups = (migrate.namespace, preview.namespace, resource.namespace, template.namespace)
for group in (*groups, infrastructure.infra, infrastructure.inventory, infrastructure.registry):
    namespace.add_collection(group)
