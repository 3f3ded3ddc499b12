"""shared verdicts

Revision: 0051_shared_verdicts
After: 0050_sounds

Ministries' verdicts on who is who, as their statements say.
"""

import sqlalchemy as sa
from alembic import op


revision = '0051_shared_verdicts'
down_revision = '0050_sounds'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('shared_verdicts',
    sa.Column('statement', sa.Text(), nullable=False),
    sa.Column('ministry', sa.Text(), nullable=False),
    sa.Column('one', sa.Text(), nullable=False),
    sa.Column('other', sa.Text(), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('signals', sa.Text(), nullable=False),
    sa.Column('prepared_by', sa.Text(), nullable=False),
    sa.Column('approved_by', sa.Text(), nullable=False),
    sa.Column('issued_at', sa.Text(), nullable=False),
    sa.Column('withdraws', sa.Text(), nullable=True),
    sa.Column('replaced_by', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('statement', name=op.f('pk_shared_verdicts')),
    info={'protection': 'recorded'}
    )
    op.create_index('ix_shared_verdicts_one', 'shared_verdicts', ['one'])
    op.create_index('ix_shared_verdicts_other', 'shared_verdicts', ['other'])


def downgrade() -> None:
    op.drop_index('ix_shared_verdicts_other', table_name='shared_verdicts')
    op.drop_index('ix_shared_verdicts_one', table_name='shared_verdicts')
    op.drop_table('shared_verdicts')
