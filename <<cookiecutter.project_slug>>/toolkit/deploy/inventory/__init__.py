"""Environments: the schema of their keys, loaded from deploy/inventory.yaml."""
