"""Where settings come from. `app.core.config` has those of this service."""
