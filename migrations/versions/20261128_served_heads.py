"""A head is shown once it is remembered outside the database; the heads of today were all shown.

Revision: 0021_served_heads
After: 0007_people
"""

import sqlalchemy as sa
from alembic import op

revision = "0021_served_heads"
down_revision = "0007_people"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "log_heads",
        sa.Column("served", sa.Boolean(), nullable=False, server_default=sa.true()),
    )


def downgrade() -> None:
    with op.batch_alter_table("log_heads") as batch:
        batch.drop_column("served")
