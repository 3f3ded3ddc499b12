"""case diary

Revision: 0006_case_diary
After: 0005_submitted_heads

What happened in law to own designations, from which the statutory clocks run.
"""

import sqlalchemy as sa
from alembic import op


revision = '0006_case_diary'
down_revision = '0005_submitted_heads'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('diary_entries',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('designation', sa.Text(), nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('day', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('recorded_by', sa.Text(), nullable=False),
    sa.Column('recorded_at', sa.Text(), nullable=False),
    sa.Column('withdrawn_by', sa.Text(), nullable=True),
    sa.Column('withdrawn_at', sa.Text(), nullable=True),
    sa.Column('withdrawn_because', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_diary_entries')),
    info={'protection': 'recorded'}
    )
    op.create_index('ix_diary_entries_designation', 'diary_entries', ['designation', 'day', 'id'])


def downgrade() -> None:
    op.drop_index('ix_diary_entries_designation', 'diary_entries')
    op.drop_table('diary_entries')
