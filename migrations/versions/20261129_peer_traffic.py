"""Bytes of each partner by the day.

Revision: 0062_peer_traffic
After: 0032_package_papers
"""

import sqlalchemy as sa
from alembic import op

revision = "0062_peer_traffic"
down_revision = "0032_package_papers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "peer_traffic",
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("share", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("peer", "share", "day", name="pk_peer_traffic"),
        info={"protection": "volatile"},
    )


def downgrade() -> None:
    op.drop_table("peer_traffic")
