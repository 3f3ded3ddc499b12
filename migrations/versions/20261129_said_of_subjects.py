"""What statements say of subjects beside names and births takes part in comparing.

Revision: 0074_said_of_subjects
After: 0073_ordered_pages

Rows that are there say nothing until their object changes: a value in a recorded row would have to
be named by an event. Profiles have more members now: run ``comity node reindex`` after the upgrade.
"""

import sqlalchemy as sa
from alembic import op

revision = "0074_said_of_subjects"
down_revision = "0073_ordered_pages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subjects", sa.Column("said", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("subjects") as batch:
        batch.drop_column("said")
