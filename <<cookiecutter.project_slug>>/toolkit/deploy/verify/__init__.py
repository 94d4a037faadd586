"""The review checklist, run by machine."""
