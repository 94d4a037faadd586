"""Machines as a place: hosts over SSH, each with Docker and a proxy."""
