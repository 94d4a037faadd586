#!/bin/sh
# exec: the service itself is process 1, and gets the signals.
set -eu
case "${1:-serve}" in
  serve) exec python -m app ;;
  migrate) exec alembic upgrade "${2:-head}" ;;
  # About the process alone: a database that is away is no reason to kill it.
  healthy) exec python -IS "$(dirname "$0")/app/probe.py" ;;
  *) exec "$@" ;;
esac
