"""What waits is found by indexes of its own, however much came before.

Revision: 0075_what_waits
After: 0074_said_of_subjects
"""

import sqlalchemy as sa
from alembic import op

revision = "0075_what_waits"
down_revision = "0074_said_of_subjects"
branch_labels = None
depends_on = None

_PARTS = {
    ("ix_package_exhibits_awaited", "package_exhibits"): (
        ["digest", "package"],
        "arrival = 'awaited'",
    ),
    ("ix_releases_unheld", "releases"): (["recipient", "issuer", "id"], "held IS NULL"),
}


def upgrade() -> None:
    for (name, table), (columns, where) in _PARTS.items():
        chosen = sa.text(where)
        op.create_index(name, table, columns, sqlite_where=chosen, postgresql_where=chosen)
    op.create_index("ix_answered_requests_at", "answered_requests", ["peer", "at"])
    op.create_index("ix_dispositions_outcome", "dispositions", ["peer", "outcome"])


def downgrade() -> None:
    op.drop_index("ix_dispositions_outcome", table_name="dispositions")
    op.drop_index("ix_answered_requests_at", table_name="answered_requests")
    for name, table in _PARTS:
        op.drop_index(name, table_name=table)
