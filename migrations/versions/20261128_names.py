"""names

Revision: 0022_names
After: 0031_acquisitions

The index of names and numbers by which descriptions and entries of lists are found.
"""

import sqlalchemy as sa
from alembic import op


revision = '0022_names'
down_revision = '0031_acquisitions'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('identity_profiles',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('ref', sa.Text(), nullable=False),
    sa.Column('series', sa.Text(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('programs', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_identity_profiles')),
    info={'protection': 'volatile'}
    )
    op.create_index('uq_identity_profiles_ref', 'identity_profiles', ['ref'], unique=True)
    op.create_index('ix_identity_profiles_series', 'identity_profiles', ['series'])
    op.create_table('identity_keys',
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('profile', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('key', 'profile', name='pk_identity_keys'),
    info={'protection': 'volatile'},
    sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table('identity_keys')
    op.drop_index('ix_identity_profiles_series', table_name='identity_profiles')
    op.drop_index('uq_identity_profiles_ref', table_name='identity_profiles')
    op.drop_table('identity_profiles')
