"""Ids of partners' requests without number, so that each is answered once.

Revision: 0007_answered_requests
After: 0006_case_diary
"""

import sqlalchemy as sa
from alembic import op

revision = "0007_answered_requests"
down_revision = "0006_case_diary"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answered_requests",
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("peer", "id", name=op.f("pk_answered_requests")),
        info={"protection": "volatile"},
    )


def downgrade() -> None:
    op.drop_table("answered_requests")
