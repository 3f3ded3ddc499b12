"""partner memberships

Revision: 0072_partner_memberships
After: 0071_regime_editions

What each partner's node last said of the membership that it runs with.
"""

import sqlalchemy as sa
from alembic import op


revision = '0072_partner_memberships'
down_revision = '0071_regime_editions'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('partner_memberships',
    sa.Column('peer', sa.Text(), nullable=False),
    sa.Column('serial', sa.BigInteger(), nullable=True),
    sa.Column('digest', sa.Text(), nullable=True),
    sa.Column('code', sa.Text(), nullable=True),
    sa.Column('asked_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('peer', name=op.f('pk_partner_memberships')),
    info={'protection': 'volatile'}
    )


def downgrade() -> None:
    op.drop_table('partner_memberships')
