"""recall answers

Revision: 0004_recall_answers
After: 0003_auditing

What holders' people did with recalled packages.
"""

import sqlalchemy as sa
from alembic import op


revision = '0004_recall_answers'
down_revision = '0003_auditing'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('recall_answers',
    sa.Column('statement', sa.Text(), nullable=False),
    sa.Column('recall', sa.Text(), nullable=False),
    sa.Column('package', sa.Text(), nullable=False),
    sa.Column('ministry', sa.Text(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('statement', name=op.f('pk_recall_answers')),
    info={'protection': 'recorded'}
    )
    op.create_index('ix_recall_answers_package', 'recall_answers', ['package', 'ministry', 'at'])


def downgrade() -> None:
    op.drop_index('ix_recall_answers_package', table_name='recall_answers')
    op.drop_table('recall_answers')
