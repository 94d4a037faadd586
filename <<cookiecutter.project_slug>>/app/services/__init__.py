"""The rules of resources; a method is a unit of work."""
