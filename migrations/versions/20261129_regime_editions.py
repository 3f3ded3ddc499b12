"""regime editions

Revision: 0071_regime_editions
After: 0070_standing_version

Editions of regime data that two administrators decided on.
"""

import sqlalchemy as sa
from alembic import op


revision = "0071_regime_editions"
down_revision = "0070_standing_version"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "regime_editions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("regime", sa.Text(), nullable=False),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regime_editions")),
        info={"protection": "recorded"},
    )


def downgrade() -> None:
    op.drop_table("regime_editions")
