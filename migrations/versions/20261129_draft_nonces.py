"""A draft has a nonce of its own, which its statement takes over.

Revision ID: 20261129_draft_nonces
"""

import sqlalchemy as sa
from alembic import op

revision = "20261129_draft_nonces"
down_revision = "HEAD"
branch_labels = None
depends_on = None
