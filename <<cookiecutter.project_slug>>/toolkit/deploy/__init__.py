"""The deploy toolkit: inventory, plays, release drivers, verdicts. `tasks.py` is its façade."""
