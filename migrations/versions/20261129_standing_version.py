"""Units that only insert: claimed nonces, the version of officers' standing, wide index numbers.

Revision: 0070_standing_version
After: 0052_watches
"""

import sqlalchemy as sa
from alembic import op

revision = "0070_standing_version"
down_revision = "0052_watches"
branch_labels = None
depends_on = None

_NUMBERS = (("identity_profiles", "id"), ("identity_keys", "profile"))


def upgrade() -> None:
    made = op.create_table(
        "standing_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_version")),
    )
    op.bulk_insert(made, [{"id": 1, "version": 1}])
    op.create_table(
        "claimed_nonces",
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_claimed_nonces")),
    )
    # An INTEGER of SQLite has 64 bits already.
    if op.get_context().dialect.name == "postgresql":
        for table, column in _NUMBERS:
            op.alter_column(table, column, type_=sa.BigInteger())


def downgrade() -> None:
    # The columns stay wide: older code reads them as well.
    op.drop_table("claimed_nonces")
    op.drop_table("standing_version")
