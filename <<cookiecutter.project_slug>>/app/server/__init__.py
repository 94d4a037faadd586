"""The process: sockets, an early start, draining."""
