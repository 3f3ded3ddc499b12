"""lists

Revision: 0020_lists
After: 0010_console_sessions

Published lists as the node holds them: editions, and entries by digest.
"""

import sqlalchemy as sa
from alembic import op


revision = '0020_lists'
down_revision = '0010_console_sessions'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('list_editions',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('series', sa.Text(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('publisher', sa.Text(), nullable=False),
    sa.Column('jurisdiction', sa.Text(), nullable=False),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('by_place', sa.Integer(), nullable=False),
    sa.Column('layout', sa.Text(), nullable=False),
    sa.Column('as_of', sa.Text(), nullable=False),
    sa.Column('as_of_from', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('fetched_at', sa.Text(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('partial', sa.Integer(), nullable=False),
    sa.Column('imported_at', sa.Text(), nullable=False),
    sa.Column('imported_by', sa.Text(), nullable=False),
    sa.Column('head', sa.LargeBinary(), nullable=False),
    sa.Column('members', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_list_editions')),
    info={'protection': 'recorded'}
    )
    op.create_index('uq_list_editions_series_number', 'list_editions', ['series', 'number'], unique=True)
    op.create_index('ix_list_editions_series_day', 'list_editions', ['series', 'as_of', 'number'])
    op.create_table('list_entries',
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('series', sa.Text(), nullable=False),
    sa.Column('entry', sa.Text(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_list_entries')),
    info={'protection': 'recorded'}
    )
    op.create_index('ix_list_entries_series_entry', 'list_entries', ['series', 'entry'])


def downgrade() -> None:
    op.drop_index('ix_list_entries_series_entry', table_name='list_entries')
    op.drop_table('list_entries')
    op.drop_index('ix_list_editions_series_day', table_name='list_editions')
    op.drop_index('uq_list_editions_series_number', table_name='list_editions')
    op.drop_table('list_editions')
