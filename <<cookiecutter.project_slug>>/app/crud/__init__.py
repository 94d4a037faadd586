"""Queries. Nothing here commits."""
