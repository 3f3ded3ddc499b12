"""Hypothesis profiles, the databases to test on, and the report of independent software."""

import os

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.support import databases

settings.register_profile(
    "suite",
    deadline=None,
    max_examples=int(os.environ.get("COMITY_EXAMPLES", "60")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")

ABSENT = "oracle absent:"
# Judges that no package registry brings; where the machine has none, even CI does without.
NOT_INSTALLABLE = ("kubectl", "aics-tlog", "mounting", "this system")


# Files whose tests share what takes long to make: one process runs them.
TOGETHER = {
    "tests/demo/test_demo_oracles.py": "tests/demo/test_demo.py",
    "tests/deploy/test_reference_nodes.py": "tests/deploy/test_proxy.py",
    "tests/docs/test_readme.py": "tests/docs/test_answers.py",
}


class FileByFile(LoadScopeScheduling):
    """The tests of one file run in one process, in their order."""

    def _split_scope(self, nodeid):
        file = nodeid.split("::", 1)[0]
        return TOGETHER.get(file, file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Take the scheduler above. (The groups of xdist 3.8 have no effect with pytest 9.2.)"""
    return FileByFile(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Start with tests of real processes, so that no worker is left alone with a long one."""
    items.sort(key=lambda item: item.get_closest_marker("processes") is None)


@pytest.fixture(scope="session")
def postgres_server():
    """A PostgreSQL server of this test process; skips where none can be had."""
    server = databases.start_postgres()
    if server is None:
        pytest.skip("PostgreSQL absent: no server binary and no package that brings one")
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server):
    """A fresh, empty PostgreSQL database."""
    return postgres_server.fresh()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """A fresh, empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/node.db"
    return request.getfixturevalue("postgres_url")


def pytest_terminal_summary(terminalreporter):
    """Say which oracles judged this run and which were absent."""
    absent = set()
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""
        text = reason.removeprefix("Skipped: ")
        if text.startswith(ABSENT):
            absent.add(text.removeprefix(ABSENT).strip().split(":")[0].split(",")[0])
    ran = sorted(
        {
            report.nodeid.split("::")[0].split("/")[-1]
            for report in terminalreporter.stats.get("passed", [])
            if "oracle" in getattr(report, "keywords", {})
        }
    )
    terminalreporter.write_line(
        f"oracles run: {', '.join(ran) or 'none'} absent: {', '.join(sorted(absent)) or 'none'}"
    )


def pytest_sessionfinish(session, exitstatus):
    """Where all oracles must be there (CI), an absent one fails the run."""
    if os.environ.get("COMITY_REQUIRE_ORACLES") and exitstatus == 0:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        skipped = reporter.stats.get("skipped", []) if reporter is not None else []
        reasons = [str(report.longrepr) for report in skipped if ABSENT in str(report.longrepr)]
        missed = [text for text in reasons if not any(name in text for name in NOT_INSTALLABLE)]
        if missed:
            reporter.write_line(f"required oracles are absent: {'; '.join(sorted(set(missed)))}")
            session.exitstatus = 1
