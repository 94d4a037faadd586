"""The databases of a developer: an embedded PostgreSQL, or the one in the settings."""
