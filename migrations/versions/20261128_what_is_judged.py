"""what is judged

Revision: 0021_judged
After: 0020_membership_changes

Statements say how they stand here, which one they take the place of, and where their leaf is told to
be; messages keep what their items are dated against; one disposition speaks of many statements;
exhibits arrive for each package from its releaser; statements that cannot be decided are parked.
"""

import sqlalchemy as sa
from alembic import op


revision = '0021_judged'
down_revision = '0020_membership_changes'
branch_labels = None
depends_on = None

_FEW = {
    'messages_in': [('head_size', sa.BigInteger()), ('head_at', sa.Text()), ('item_times', sa.Text())],
    'designations': [('told_by', sa.Text())],
    'package_exhibits': [('arrival', sa.Text())],
    'releases': [('held', sa.Text())],
    'holders': [('held', sa.Text()), ('held_at', sa.Text())],
}


def upgrade() -> None:
    with op.batch_alter_table('statements') as batch_op:
        batch_op.add_column(sa.Column('standing', sa.Text(), nullable=False, server_default='judged'))
        batch_op.add_column(sa.Column('restates', sa.Text()))
        batch_op.add_column(sa.Column('leaf_index', sa.BigInteger()))
        batch_op.add_column(sa.Column('leaf_e', sa.LargeBinary()))
        batch_op.add_column(sa.Column('leaf_salt', sa.LargeBinary()))
        batch_op.create_index('ix_statements_restates', ['restates'])
    with op.batch_alter_table('statements') as batch_op:
        batch_op.alter_column('standing', existing_type=sa.Text(), server_default=None)
    for table, columns in _FEW.items():
        with op.batch_alter_table(table) as batch_op:
            for name, kind in columns:
                batch_op.add_column(sa.Column(name, kind))
    op.create_index('ix_messages_in_head', 'messages_in', ['peer', 'head_size', 'received_at'])
    with op.batch_alter_table('dispositions') as batch_op:
        batch_op.drop_constraint('uq_dispositions_disposition', type_='unique')
        batch_op.add_column(sa.Column('detail', sa.Text()))
        batch_op.create_index('ix_dispositions_disposition', ['disposition'])
    with op.batch_alter_table('parked_statements') as batch_op:
        batch_op.alter_column('thread', existing_type=sa.Text(), nullable=True)
        batch_op.alter_column('seq', existing_type=sa.Integer(), type_=sa.BigInteger(), nullable=True)
        for name in ('type', 'about', 'originator', 'part', 'error'):
            batch_op.add_column(sa.Column(name, sa.Text()))
        batch_op.create_index('ix_parked_statements_about', ['about', 'type'])
    op.create_table('transfers',
    sa.Column('package', sa.Text(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('fetched', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('package', 'digest', name=op.f('pk_transfers')),
    info={'protection': 'volatile'}
    )


def downgrade() -> None:
    op.drop_table('transfers')
    with op.batch_alter_table('parked_statements') as batch_op:
        batch_op.drop_index('ix_parked_statements_about')
        for name in ('error', 'part', 'originator', 'about', 'type'):
            batch_op.drop_column(name)
        batch_op.alter_column('seq', existing_type=sa.BigInteger(), type_=sa.Integer(), nullable=False)
        batch_op.alter_column('thread', existing_type=sa.Text(), nullable=False)
    with op.batch_alter_table('dispositions') as batch_op:
        batch_op.drop_index('ix_dispositions_disposition')
        batch_op.drop_column('detail')
        batch_op.create_unique_constraint('uq_dispositions_disposition', ['disposition'])
    op.drop_index('ix_messages_in_head', table_name='messages_in')
    for table, columns in _FEW.items():
        with op.batch_alter_table(table) as batch_op:
            for name, _kind in reversed(columns):
                batch_op.drop_column(name)
    with op.batch_alter_table('statements') as batch_op:
        batch_op.drop_index('ix_statements_restates')
        for name in ('leaf_salt', 'leaf_e', 'leaf_index', 'restates', 'standing'):
            batch_op.drop_column(name)
