"""`python -m app COMMAND`: what tools ask the service. Each is a module: `main(arguments)` returns the exit code."""
