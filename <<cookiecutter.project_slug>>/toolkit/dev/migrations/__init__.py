"""Revisions: written for changed models, checked, and run on a developer's database."""
