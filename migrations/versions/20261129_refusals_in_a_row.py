"""A dead letter is made by refusals in a row, not by attempts.

Revision: 0023_refusals
After: 0030_previews
"""

import sqlalchemy as sa
from alembic import op

revision = "0023_refusals"
down_revision = "0030_previews"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "attempts", sa.Column("refusals", sa.Integer(), nullable=False, server_default="0")
    )


def downgrade() -> None:
    with op.batch_alter_table("attempts") as batch:
        batch.drop_column("refusals")
