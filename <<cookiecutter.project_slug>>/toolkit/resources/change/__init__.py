"""Changes to existing resources, as changes to their lines."""
