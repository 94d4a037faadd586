"""One release: its steps, their runner, its history, and the commands around it."""
