<%!
def statements(text):
    """What Alembic wrote, without the banner comments that it puts around."""
    return "\n".join(line for line in (text or "pass").splitlines() if not line.strip().startswith("# ###")).strip()
%>\
"""${message}

Revision: ${up_revision}
Revises: ${down_revision | comma,n}
Created: ${create_date}
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision: str = ${repr(up_revision)}
down_revision: str | Sequence[str] | None = ${repr(down_revision)}
branch_labels: str | Sequence[str] | None = ${repr(branch_labels)}
depends_on: str | Sequence[str] | None = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades | statements}


def downgrade() -> None:
    ${downgrades | statements}
