"""Alembic environment: runs revisions on the connection it is given, with time-outs."""

from alembic import context
from sqlalchemy import Connection, create_engine, text

from api.records.schema import METADATA

config = context.config


def _run(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # A revision that cannot get its lock soon must fail rather than queue the whole node
        # behind itself.
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.execute(text("SET statement_timeout = '15min'"))
        connection.commit()
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    engine = create_engine(config.get_main_option("sqlalchemy.url"))
    with engine.connect() as opened:
        _run(opened)
    engine.dispose()
