"""Exit codes of programs, as the shell and sysexits.h define them; the tasks of a deploy have their own in outcomes."""

from __future__ import annotations

# As app/core/config.py, app/db/migrations.py and alembic/env.py set them.
EX_UNAVAILABLE, EX_TEMPFAIL, EX_CONFIG = 69, 75, 78
NOT_EXECUTABLE, NOT_FOUND = 126, 127  # a shell's, and runc's
SIGNALLED = 128  # plus the number of the signal
