"""${message}

Revision: ${up_revision}
After: ${down_revision | comma,n}

Before a release: additive changes only in one step; a column is removed in the release after the one
that stopped using it. Time-outs are set in env.py.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
