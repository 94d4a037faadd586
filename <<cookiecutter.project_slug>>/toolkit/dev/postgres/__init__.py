"""The databases of a developer: an embedded PostgreSQL, or the one that the settings name."""
