"""task claims

Revision: 0033_task_claims
After: 0062_peer_traffic

Who said that they work on which task.
"""

import sqlalchemy as sa
from alembic import op


revision = '0033_task_claims'
down_revision = '0062_peer_traffic'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('task_claims',
    sa.Column('task', sa.Text(), nullable=False),
    sa.Column('officer', sa.Text(), nullable=False),
    sa.Column('since', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('task', name=op.f('pk_task_claims')),
    info={'protection': 'volatile'}
    )


def downgrade() -> None:
    op.drop_table('task_claims')
