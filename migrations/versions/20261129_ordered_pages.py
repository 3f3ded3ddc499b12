"""ordered pages

Revision: 0073_ordered_pages
After: 0072_partner_memberships

Pages of packages in one state, and of threads between two ministries, are read in their order: where
few of many rows fit, no other row is looked at.
"""

from alembic import op


revision = '0073_ordered_pages'
down_revision = '0072_partner_memberships'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_packages_state', 'packages', ['state', 'submitted_at', 'id'])
    op.create_index(
        'ix_threads_between', 'threads', ['requester', 'addressee', 'opened_at', 'id']
    )


def downgrade() -> None:
    op.drop_index('ix_threads_between', table_name='threads')
    op.drop_index('ix_packages_state', table_name='packages')
