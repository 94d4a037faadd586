#!/bin/sh
# exec: the service itself is process 1, and gets the signals.
set -eu
case "${1:-serve}" in
  serve) exec python -m app ;;
  migrate) exec alembic upgrade "${2:-head}" ;;
  # About the process alone: a database that is away is no reason to kill it.
  healthy) exec python -IS -c "
import http.client
probe = http.client.HTTPConnection('127.0.0.1', ${PORT:-8000}, timeout=2)
probe.request('GET', '/health')
raise SystemExit(probe.getresponse().status != 200)" ;;
  *) exec "$@" ;;
esac
