"""sounds

Revision: 0050_sounds
After: 0033_task_claims

How many descriptions have each sound, so that a search knows which words find too much. The keys of
bodies' names have other rules now: run ``comity node reindex`` after the upgrade.
"""

import sqlalchemy as sa
from alembic import op


revision = '0050_sounds'
down_revision = '0033_task_claims'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('identity_sounds',
    sa.Column('sound', sa.Text(), nullable=False),
    sa.Column('many', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('sound', name=op.f('pk_identity_sounds')),
    info={'protection': 'volatile'}
    )
    op.execute(
        "INSERT INTO identity_sounds (sound, many)"
        " SELECT key, count(*) FROM identity_keys WHERE key LIKE '~%' GROUP BY key"
    )


def downgrade() -> None:
    op.drop_table('identity_sounds')
