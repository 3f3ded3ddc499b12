"""acquisitions

Revision: 0031_acquisitions
After: 0021_judged

Exhibits that this ministry acquired by its own work although a partner sent the same bytes.
"""

import sqlalchemy as sa
from alembic import op


revision = '0031_acquisitions'
down_revision = '0021_judged'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('acquisitions',
    sa.Column('package', sa.Text(), nullable=False),
    sa.Column('exhibit', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('collector', sa.Text(), nullable=False),
    sa.Column('collected', sa.Text(), nullable=False),
    sa.Column('recorded_by', sa.Text(), nullable=False),
    sa.Column('at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('package', 'exhibit', name=op.f('pk_acquisitions')),
    info={'protection': 'recorded'}
    )


def downgrade() -> None:
    op.drop_table('acquisitions')
