"""Papers of packages: how many an officer may have; on both databases."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from api.domain.errors import Conflict
from api.services.desk import package_papers
from tests.support.exchange import US
from tests.support.federation import Federation


def test_papers_that_begin_at_one_moment_count_each_other(federation: Federation) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst")
    for _ in range(package_papers.MOST - 1):
        package_papers.start(us, analyst, {})

    def begin(_number: int) -> None:
        with suppress(Conflict):
            package_papers.start(us, analyst, {})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(begin, range(8)))
    assert len(package_papers.own(us, analyst)) == package_papers.MOST
