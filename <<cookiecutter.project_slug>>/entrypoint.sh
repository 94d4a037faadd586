#!/bin/sh
# exec: the service itself is process 1 and receives the signals.
set -eu
case "${1:-serve}" in
  serve) exec python -m app ;;
  migrate) exec alembic upgrade "${2:-head}" ;;
  # Checks the process only: an outage of the database must not kill it.
  healthy) exec python -IS "$(dirname "$0")/app/probe.py" ;;
  *) exec "$@" ;;
esac
