"""The names of one resource in each place, for the templates. Standard library only."""

from dataclasses import dataclass

from toolkit.resources.line import names


@dataclass(frozen=True)
class Names:
    """Names of a resource in each place; also represents the target of a reference."""

    name: str
    plural: str

    @property
    def module(self) -> str:
        """Module in app/models, app/schemas, app/crud and app/services: product, class_."""
        return names.module(self.name)

    @property
    def plural_module(self) -> str:
        """Module in app/api/v1/endpoints: products."""
        return names.plural_module(self.plural)

    @property
    def table(self) -> str:
        """Table: order_items."""
        return self.plural

    @property
    def url(self) -> str:
        """Last part of the path, and the prefix of the scopes: order-items."""
        return self.plural.replace("_", "-")

    @property
    def class_name(self) -> str:
        """Class of the model, and the stem of the schemas': OrderItem."""
        return names.class_name(self.name)

    @property
    def title(self) -> str:
        """For people: Order item."""
        return self.name.replace("_", " ").capitalize()

    @property
    def plural_title(self) -> str:
        """For people: Order items."""
        return self.plural.replace("_", " ").capitalize()

    @property
    def noun(self) -> str:
        """Inside a sentence: order item."""
        return self.name.replace("_", " ")
