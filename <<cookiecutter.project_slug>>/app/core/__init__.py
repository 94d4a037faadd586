"""Settings, the database, problems and security, used by every layer."""
