"""Shared by places whose platform keeps revisions and divides the requests between them."""
