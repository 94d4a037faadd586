"""A stage of Azure Container Instances: one container group."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.azure import ACCOUNT, GROUP, SUBSCRIPTION, AzureStage, public_key

CONTAINER_GROUP = "shop-staging"
VALUE = "postgresql://shop:a-value-of-this-test@db/shop"


@dataclass
class InstancesStage(AzureStage):
    secret: str = VALUE

    @property
    def keys(self) -> Sequence[str]:
        return (
            "place=instances",
            f"subscription={SUBSCRIPTION}",
            f"resource_group={GROUP}",
            "location=westeurope",
            "replicas=1",
            f"history_account={ACCOUNT}",
            f"repository={self.apis['REGISTRY']}/shop",
            "secret={from_env: [DATABASE_URL]}",
            f"settings.JWT_KEY={public_key()}",
            "settings.JWT_ISSUER=https://identity/",
            "settings.JWT_AUDIENCE=shop",
            *self.settings,
        )

    @property
    def variables(self) -> dict[str, str]:
        return {**super().variables, "DATABASE_URL": self.secret}

    def serving(self) -> str:
        """The digest that answers; empty for none."""
        group = self.azure.groups.found.get(CONTAINER_GROUP)
        return group.container["image"].rpartition("@")[2] if group and group.serves else ""
