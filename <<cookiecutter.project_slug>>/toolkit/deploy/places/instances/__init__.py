"""Azure Container Instances: a container group, which a release replaces."""
