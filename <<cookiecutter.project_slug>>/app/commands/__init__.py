"""`python -m app COMMAND`: commands for tools. Each is a module: `main(arguments)` returns the exit code."""
