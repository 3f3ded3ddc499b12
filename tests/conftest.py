"""Hypothesis profiles, what a test needs before it starts, and databases to test on."""

import functools
import gc
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpcore2
import pytest
from hypothesis import HealthCheck, settings

from tests.support import campaigns, compiled, databases, foreign, scheduling
from tests.support.demo import Demo, running_demo
from tests.support.scheduling import pytest_xdist_make_scheduler

__all__ = ["pytest_xdist_make_scheduler"]

# Thousands of HTTP clients are made; reading the machine's authorities takes 20 ms each time.
httpcore2.default_ssl_context = functools.cache(httpcore2.default_ssl_context)
compiled.share()

settings.register_profile(
    "suite",
    deadline=None,
    max_examples=int(os.environ.get("COMITY_EXAMPLES", "12" if campaigns.short() else "60")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")

# Judges that no package registry brings; where the machine has none, even CI does without.
NOT_INSTALLABLE = {"kubectl", "aics-tlog", "mounting"}
NOT_ALLOWED = "this system"
POSTGRES_FIXTURES = {"postgres_server", "postgres_url"}
DEMO = "tests/demo/test_demo.py"
LEFT = pytest.StashKey[dict[str, Any]]()
"""How many tests of campaigns a short run leaves, and which have no sample that stays."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Do not look for garbage while modules and tests gather: all of it stays."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave what was gathered out of every later look; a tenth of a run went into that."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave campaigns out of a short run, let fixtures declare, start with the longest files."""
    left, alone = campaigns.left_out(items)
    config.stash[LEFT] = {"left": len(left), "alone": alone}
    config.hook.pytest_deselected(items=left)
    for item in items:
        if POSTGRES_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(foreign.needs("postgresql"))
        if foreign.declared_by(item) - foreign.PACKAGES:
            item.add_marker(pytest.mark.programs)
    scheduling.longest_first(items)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before its first fixture: skip a test that needs what is absent, and say what."""
    names = foreign.declared_by(item)
    for name in sorted(names):
        reason = foreign.absence(name)
        if reason is not None:
            pytest.skip(f"{foreign.ABSENT} {name}: {reason}")
    foreign.declare(names)
    if names:
        item.user_properties.append(("needs", ",".join(sorted(names))))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[databases.Postgres]:
    """A PostgreSQL server of this test process."""
    foreign.require("postgresql")
    # Hundreds of databases are made, and nobody looks at them again: none is worth cleaning.
    server = databases.start_postgres("-c autovacuum=off")
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: databases.Postgres) -> str:
    """A fresh, empty PostgreSQL database."""
    return postgres_server.fresh()


@pytest.fixture(params=foreign.EACH_DATABASE)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/node.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def disk(disk_folders: Path) -> Path:
    """A folder on a disk, for what is about durability; other folders may lie in memory."""
    return Path(tempfile.mkdtemp(dir=disk_folders))


@pytest.fixture(scope="session")
def disk_folders() -> Iterator[Path]:
    """Where folders on a disk are made: beside the checkout's own files."""
    place = Path(__file__).resolve().parents[1] / ".pytest_cache"
    place.mkdir(exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="disk-", dir=place))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for every test that asks its nodes; `scheduling.TOGETHER` names their files.

    In a short run it is told as far as the README needs it.
    """
    scenes = ("--until", "requests-2020") if campaigns.short(DEMO) else ()
    with running_demo(tmp_path_factory.mktemp("checkout"), *scenes) as made:
        yield made


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Say, behind all else, which independent software took part, was absent, and what was left."""
    yield
    stats = terminalreporter.stats
    taken_part = Counter(
        name
        for report in stats.get("passed", [])
        for key, names in getattr(report, "user_properties", ())
        if key == "needs"
        for name in names.split(",")
    )
    absent = {_absent(report) for report in stats.get("skipped", [])} - {None}
    terminalreporter.write_line(
        f"oracles run: {', '.join(sorted(taken_part)) or 'none'} "
        f"absent: {', '.join(sorted(map(str, absent))) or 'none'}"
    )
    told = terminalreporter.config.stash.get(LEFT, {})
    if told.get("alone"):
        terminalreporter.write_line(
            f"campaigns without a sample that stays: {', '.join(told['alone'])}"
        )
    if told.get("left"):
        terminalreporter.write_line(
            f"left out: {told['left']} tests of campaigns, a sample of each ran; "
            "make test WHOLE=1 runs all"
        )
    scheduling.weigh([r for kind in ("passed", "failed", "") for r in stats.get(kind, [])])


def _absent(report: pytest.TestReport) -> str | None:
    """The name of what a skipped test lacked; `None` for any other reason."""
    reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""
    text = reason.removeprefix("Skipped: ")
    if not text.startswith(foreign.ABSENT):
        return None
    return text.removeprefix(foreign.ABSENT).strip().split(":")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear from a test process what it left; all gather the same."""
    node.config.stash[LEFT] = getattr(node, "workeroutput", {}).get("left", {})


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Say what was left; where all must be there (CI), an absent program fails the run."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left"] = session.config.stash.get(LEFT, {})
    elif session.config.stash.get(LEFT, {}).get("alone"):
        session.exitstatus = 1
        return
    if not os.environ.get("COMITY_REQUIRE_ORACLES") or exitstatus != 0:
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    could = [report for report in skipped if NOT_ALLOWED not in str(report.longrepr)]
    missed = {_absent(report) for report in could} - {None} - NOT_INSTALLABLE
    if missed:
        reporter.write_line(f"required oracles are absent: {', '.join(sorted(map(str, missed)))}")
        session.exitstatus = 1
