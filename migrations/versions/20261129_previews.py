"""previews

Revision: 0030_previews
After: 0021_served_heads

A draft has a nonce of its own, which its statement takes over; who was shown what is kept.
"""

import sqlalchemy as sa
from alembic import op


revision = '0030_previews'
down_revision = '0021_served_heads'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('drafts', sa.Column('nonce', sa.Text(), nullable=True))
    op.create_index('uq_drafts_nonce', 'drafts', ['nonce'], unique=True)
    op.create_table('previews',
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('object', sa.Text(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('officer', sa.Text(), nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('kind', 'object', 'digest', 'officer', name=op.f('pk_previews')),
    info={'protection': 'recorded'}
    )


def downgrade() -> None:
    op.drop_table('previews')
    op.drop_index('uq_drafts_nonce', table_name='drafts')
    op.drop_column('drafts', 'nonce')
