"""Migrations: head equals the models, up and down restores, each revision takes data along."""

import importlib
import pkgutil
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from api import records
from api.records import migrating
from api.records.schema import METADATA


def test_head_equals_the_models(database_url: str) -> None:
    migrating.upgrade(database_url)
    engine = create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        difference = compare_metadata(context, METADATA)
    engine.dispose()
    assert difference == []


def test_the_whole_form_is_known_wherever_it_is_asked_for() -> None:
    """In a process that knows `schema` alone: a table that only a use case imports is missed."""
    known = "import api.records.schema as s; print(*sorted(s.METADATA.tables))"
    shown = subprocess.run(
        [sys.executable, "-c", known], capture_output=True, text=True, check=True
    ).stdout.split()
    for module in pkgutil.iter_modules(records.__path__, "api.records."):
        importlib.import_module(module.name)
    assert set(shown) == set(METADATA.tables)


def test_down_and_up_again(database_url: str) -> None:
    migrating.upgrade(database_url)
    migrating.downgrade(database_url, "base")
    engine = create_engine(database_url)
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    engine.dispose()
    migrating.upgrade(database_url)
    migrating.require_head(database_url)


def test_there_is_one_head_and_the_program_finds_it_without_alembic() -> None:
    script = ScriptDirectory.from_config(migrating.configuration("sqlite://"))
    assert script.get_heads() == [migrating.head()]
    starting = "import sys, api.bootstrap, api.app, api.worker; print('alembic' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", starting], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "False"


def test_the_program_reads_the_revision_that_alembic_wrote(database_url: str) -> None:
    assert migrating.current(database_url) is None
    for revision in ("0003_auditing", migrating.head()):
        migrating.upgrade(database_url, revision)
        engine = create_engine(database_url)
        with engine.connect() as connection:
            written = MigrationContext.configure(connection).get_current_revision()
        engine.dispose()
        assert written == migrating.current(database_url) == revision


def test_a_wrong_revision_is_refused(tmp_path) -> None:
    from api.domain.errors import Unavailable

    with pytest.raises(Unavailable) as refusal:
        migrating.require_head(f"sqlite:///{tmp_path}/empty.db")
    assert refusal.value.code == "database.wrong-revision"
