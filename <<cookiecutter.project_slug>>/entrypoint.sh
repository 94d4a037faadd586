#!/bin/sh
# exec: the service itself is process 1, and gets the signals.
set -eu
case "${1:-serve}" in
  serve) exec python -m app ;;
  migrate) exec alembic upgrade "${2:-head}" ;;
  *) exec "$@" ;;
esac
