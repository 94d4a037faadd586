"""From a model of resources to the service's files."""
