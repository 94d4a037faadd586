"""Tokens: their settings, the provider's keys, verification. `app.core.security` asks here."""
