"""A Kubernetes cluster, with two release drivers: manifests and helm."""
