"""Google Cloud Run: a service of a project, by the Admin API v1."""
