"""watches

Revision: 0052_watches
After: 0051_shared_verdicts

What officers asked to be told about when a published list changes.
"""

import sqlalchemy as sa
from alembic import op


revision = '0052_watches'
down_revision = '0051_shared_verdicts'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('watches',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('ref', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('by', sa.Text(), nullable=False),
    sa.Column('at', sa.Text(), nullable=False),
    sa.Column('ended_by', sa.Text(), nullable=True),
    sa.Column('ended_at', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_watches')),
    info={'protection': 'recorded'}
    )
    op.create_index('ix_watches_ref', 'watches', ['ref'])


def downgrade() -> None:
    op.drop_index('ix_watches_ref', table_name='watches')
    op.drop_table('watches')
