"""One release: its steps, the runner that takes them, its history, and the commands around it."""
