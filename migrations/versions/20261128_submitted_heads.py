"""Heads that a partner's log submitted and whose leaf hashes are yet to be fetched.

Revision: 0005_submitted_heads
After: 0004_recall_answers
"""

import sqlalchemy as sa
from alembic import op

revision = "0005_submitted_heads"
down_revision = "0004_recall_answers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "submitted_heads",
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("peer", name=op.f("pk_submitted_heads")),
        info={"protection": "volatile"},
    )


def downgrade() -> None:
    op.drop_table("submitted_heads")
