"""console sessions

Revision: 0010_console_sessions
After: 0007_answered_requests

Browser sessions at the console and sign-ins on their way; both volatile.
"""

import sqlalchemy as sa
from alembic import op


revision = '0010_console_sessions'
down_revision = '0007_answered_requests'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('console_sessions',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('cookie', sa.Text(), nullable=False),
    sa.Column('iss', sa.Text(), nullable=False),
    sa.Column('sub', sa.Text(), nullable=False),
    sa.Column('sid', sa.Text(), nullable=True),
    sa.Column('auth_time', sa.Text(), nullable=False),
    sa.Column('created_at', sa.Text(), nullable=False),
    sa.Column('seen_at', sa.Text(), nullable=False),
    sa.Column('ends_at', sa.Text(), nullable=False),
    sa.Column('ended_at', sa.Text(), nullable=True),
    sa.Column('agent', sa.Text(), nullable=False),
    sa.Column('new_since', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_console_sessions')),
    sa.UniqueConstraint('cookie', name=op.f('uq_console_sessions_cookie')),
    info={'protection': 'volatile'}
    )
    op.create_index('ix_console_sessions_account', 'console_sessions', ['iss', 'sub', 'created_at'])
    op.create_table('console_sign_ins',
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('browser', sa.Text(), nullable=False),
    sa.Column('nonce', sa.Text(), nullable=False),
    sa.Column('verifier', sa.Text(), nullable=False),
    sa.Column('return_to', sa.Text(), nullable=False),
    sa.Column('locale', sa.Text(), nullable=False),
    sa.Column('created_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('state', name=op.f('pk_console_sign_ins')),
    info={'protection': 'volatile'}
    )


def downgrade() -> None:
    op.drop_table('console_sign_ins')
    op.drop_table('console_sessions')
