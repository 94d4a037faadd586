"""Tokens: their settings, the provider's keys, verification. `app.core.security` is the caller."""
