"""A statement's nonce is found by its issuer.

Revision: 0060_statement_nonces
After: 0022_names

Rows that are there keep none: what was signed before is of a protocol that was not released, and a
value in a recorded row would have to be named by an event.
"""

import sqlalchemy as sa
from alembic import op

revision = "0060_statement_nonces"
down_revision = "0022_names"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("statements", sa.Column("nonce", sa.Text(), nullable=True))
    op.create_index("ix_statements_issuer_nonce", "statements", ["issuer", "nonce"])


def downgrade() -> None:
    op.drop_index("ix_statements_issuer_nonce", table_name="statements")
    with op.batch_alter_table("statements") as batch:
        batch.drop_column("nonce")
