"""auditing

Revision: 0003_auditing
After: 0002_exchange

Exports, samples, review notes and erasure orders; heads name the head before them and list their
cosignatures, which are named by digest; what is remembered of a partner's log carries this node's own signature. An event's
number becomes its leaf index plus 1 once it has a place; until then it lies in a range of its own.
"""

import hashlib

import sqlalchemy as sa
from alembic import op


revision = '0003_auditing'
down_revision = '0002_exchange'
branch_labels = None
depends_on = None

# Waiting events are numbered from here on PostgreSQL; below 2^53, so that JSON readers agree.
WAITING = 1 << 52


def upgrade() -> None:
    op.create_table('audit_exports',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('officer', sa.Text(), nullable=False),
    sa.Column('parameters', sa.Text(), nullable=False),
    sa.Column('made_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_exports')),
    info={'protection': 'recorded'}
    )
    op.create_index('ix_audit_exports_made_at', 'audit_exports', ['made_at', 'id'])
    op.create_table('audit_samples',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('officer', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('rule', sa.Text(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('root', sa.Text(), nullable=False),
    sa.Column('entries', sa.Text(), nullable=False),
    sa.Column('saved_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_samples')),
    info={'protection': 'recorded'}
    )
    op.create_index('ix_audit_samples_saved_at', 'audit_samples', ['saved_at', 'id'])
    op.create_table('review_notes',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('officer', sa.Text(), nullable=False),
    sa.Column('sample', sa.Text(), nullable=True),
    sa.Column('leaf', sa.BigInteger(), nullable=True),
    sa.Column('document', sa.Text(), nullable=False),
    sa.Column('endorsement', sa.Text(), nullable=True),
    sa.Column('written_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_review_notes')),
    info={'protection': 'recorded'}
    )
    op.create_index('ix_review_notes_leaf', 'review_notes', ['leaf'])
    op.create_index('ix_review_notes_written_at', 'review_notes', ['written_at', 'id'])
    op.create_table('erasure_orders',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('target', sa.Text(), nullable=False),
    sa.Column('authority', sa.Text(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('change_set', sa.Text(), nullable=True),
    sa.Column('proposed_by', sa.Text(), nullable=False),
    sa.Column('proposed_at', sa.Text(), nullable=False),
    sa.Column('decided_by', sa.Text(), nullable=True),
    sa.Column('decided_at', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_erasure_orders')),
    info={'protection': 'recorded'}
    )
    op.create_index('ix_erasure_orders_target', 'erasure_orders', ['kind', 'target'])
    op.add_column('log_heads', sa.Column('previous', sa.Text(), nullable=True))
    op.add_column('log_heads', sa.Column('cosigned', sa.Text(), nullable=True))
    op.add_column('peer_logs', sa.Column('seal', sa.LargeBinary(), nullable=True))
    _name_cosignatures()
    if op.get_bind().dialect.name == 'postgresql':
        # Below zero in between: numbers of one table may not meet, not even for a moment.
        op.execute('UPDATE events SET seq = -1 - leaf_index WHERE leaf_index IS NOT NULL')
        op.execute(f'UPDATE events SET seq = seq + {WAITING} WHERE leaf_index IS NULL')
        op.execute('UPDATE events SET seq = -seq WHERE leaf_index IS NOT NULL')
        op.execute(
            "SELECT setval(pg_get_serial_sequence('events', 'seq'), "
            f"greatest({WAITING}, (SELECT max(seq) + 1 FROM events)), false)"
        )


def _name_cosignatures() -> None:
    """Put a digest into the primary key in place of the line, which PostgreSQL cannot index."""
    connection = op.get_bind()
    rows = list(connection.execute(sa.text('SELECT size, line, cosigner FROM cosignatures')))
    op.drop_index('ix_cosignatures_cosigner', table_name='cosignatures')
    op.drop_table('cosignatures')
    table = op.create_table('cosignatures',
    sa.Column('size', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('line', sa.Text(), nullable=False),
    sa.Column('cosigner', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('size', 'digest', name=op.f('pk_cosignatures')),
    info={'protection': 'derived'}
    )
    op.create_index('ix_cosignatures_cosigner', 'cosignatures', ['cosigner', 'size'])
    listed = {}
    for size, line, cosigner in rows:
        named = hashlib.sha256(f'{cosigner}\n{line}'.encode()).hexdigest()
        listed.setdefault(size, set()).add(named)
        row = {'size': size, 'digest': named, 'line': line, 'cosigner': cosigner}
        connection.execute(table.insert(), row)
    for size, names in listed.items():
        connection.execute(
            sa.text('UPDATE log_heads SET cosigned = :names WHERE size = :size'),
            {'names': ' '.join(sorted(names)), 'size': size},
        )


def _forget_names() -> None:
    connection = op.get_bind()
    rows = list(connection.execute(sa.text('SELECT size, line, cosigner FROM cosignatures')))
    op.drop_index('ix_cosignatures_cosigner', table_name='cosignatures')
    op.drop_table('cosignatures')
    table = op.create_table('cosignatures',
    sa.Column('size', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('line', sa.Text(), nullable=False),
    sa.Column('cosigner', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('size', 'line', name=op.f('pk_cosignatures')),
    info={'protection': 'derived'}
    )
    op.create_index('ix_cosignatures_cosigner', 'cosignatures', ['cosigner', 'size'])
    for row in rows:
        connection.execute(table.insert(), dict(row._mapping))


def downgrade() -> None:
    _forget_names()
    if op.get_bind().dialect.name == 'postgresql':
        op.execute(
            "SELECT setval(pg_get_serial_sequence('events', 'seq'), "
            "(SELECT coalesce(max(seq), 0) + 1 FROM events), false)"
        )
    with op.batch_alter_table('peer_logs') as batch_op:
        batch_op.drop_column('seal')
    with op.batch_alter_table('log_heads') as batch_op:
        batch_op.drop_column('cosigned')
        batch_op.drop_column('previous')
    op.drop_index('ix_erasure_orders_target', table_name='erasure_orders')
    op.drop_table('erasure_orders')
    op.drop_index('ix_review_notes_written_at', table_name='review_notes')
    op.drop_index('ix_review_notes_leaf', table_name='review_notes')
    op.drop_table('review_notes')
    op.drop_index('ix_audit_samples_saved_at', table_name='audit_samples')
    op.drop_table('audit_samples')
    op.drop_index('ix_audit_exports_made_at', table_name='audit_exports')
    op.drop_table('audit_exports')
