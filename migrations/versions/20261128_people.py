"""people

Revision: 0007_people
After: 0020_lists

Suspensions, where passkeys are used, passkeys, and challenges that a new key answers. Additive: the
tables are new, and nothing that was there changes.
"""

import sqlalchemy as sa
from alembic import op


revision = '0007_people'
down_revision = '0020_lists'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('suspensions',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('officer', sa.Text(), nullable=False),
    sa.Column('imposed_by', sa.Text(), nullable=False),
    sa.Column('imposed_at', sa.Text(), nullable=False),
    sa.Column('ends_at', sa.Text(), nullable=False),
    sa.Column('confirmed_by', sa.Text(), nullable=True),
    sa.Column('confirmed_at', sa.Text(), nullable=True),
    sa.Column('lift_proposed_by', sa.Text(), nullable=True),
    sa.Column('lift_proposed_at', sa.Text(), nullable=True),
    sa.Column('lifted_by', sa.Text(), nullable=True),
    sa.Column('lifted_at', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_suspensions')),
    info={'protection': 'recorded'}
    )
    op.create_index('ix_suspensions_officer', 'suspensions', ['officer', 'imposed_at'])
    op.create_table('relying_parties',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('rp_id', sa.Text(), nullable=False),
    sa.Column('origins', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('proposed_by', sa.Text(), nullable=False),
    sa.Column('proposed_at', sa.Text(), nullable=False),
    sa.Column('decided_by', sa.Text(), nullable=True),
    sa.Column('decided_at', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_relying_parties')),
    info={'protection': 'recorded'}
    )
    op.create_table('passkeys',
    sa.Column('kid', sa.Text(), nullable=False),
    sa.Column('credential', sa.Text(), nullable=False),
    sa.Column('rp_id', sa.Text(), nullable=False),
    sa.Column('count', sa.BigInteger(), nullable=False),
    sa.Column('used_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('kid', name=op.f('pk_passkeys')),
    sa.UniqueConstraint('credential', name=op.f('uq_passkeys_credential')),
    info={'protection': 'recorded'}
    )
    op.create_table('key_challenges',
    sa.Column('challenge', sa.Text(), nullable=False),
    sa.Column('officer', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('challenge', name=op.f('pk_key_challenges')),
    info={'protection': 'volatile'}
    )
    op.create_index('ix_key_challenges_expires_at', 'key_challenges', ['expires_at'])


def downgrade() -> None:
    op.drop_index('ix_key_challenges_expires_at', table_name='key_challenges')
    op.drop_table('key_challenges')
    op.drop_table('passkeys')
    op.drop_table('relying_parties')
    op.drop_index('ix_suspensions_officer', table_name='suspensions')
    op.drop_table('suspensions')
