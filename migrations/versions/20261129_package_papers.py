"""package papers

Revision: 0032_package_papers
After: 0060_statement_nonces

Packages that an analyst prepares in the browser, before they are signed.
"""

import sqlalchemy as sa
from alembic import op


revision = '0032_package_papers'
down_revision = '0060_statement_nonces'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('package_papers',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('officer', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('nonce', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('created_at', sa.Text(), nullable=False),
    sa.Column('updated_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_package_papers')),
    info={'protection': 'volatile'}
    )
    op.create_index('ix_package_papers_officer', 'package_papers', ['officer', 'updated_at'])


def downgrade() -> None:
    op.drop_index('ix_package_papers_officer', table_name='package_papers')
    op.drop_table('package_papers')
