"""membership changes

Revision: 0020_membership_changes
After: 0023_refusals

Memberships that two administrators confirm. Additive: the table is new. A node that ran before
takes the membership it starts with as confirmed.
"""

import sqlalchemy as sa
from alembic import op


revision = '0020_membership_changes'
down_revision = '0023_refusals'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('membership_changes',
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('serial', sa.BigInteger(), nullable=False),
    sa.Column('file', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('proposed_by', sa.Text(), nullable=False),
    sa.Column('proposed_at', sa.Text(), nullable=False),
    sa.Column('decided_by', sa.Text(), nullable=True),
    sa.Column('decided_at', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_membership_changes')),
    info={'protection': 'recorded'}
    )


def downgrade() -> None:
    op.drop_table('membership_changes')
