"""Sources of settings. `app.core.config` has the settings of this service."""
