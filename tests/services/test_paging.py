"""Pages of what a caller may see."""

from collections.abc import Sequence

from api.services.paging import Place, visible_page


class Rows:
    """Numbers in order, with every look that was taken at them."""

    def __init__(self, count: int) -> None:
        self._rows = [("", f"{number:03}") for number in range(count)]
        self.looks: list[int] = []

    def fetch(self, at: Place | None, size: int) -> Sequence[Place]:
        self.looks.append(size)
        return [row for row in self._rows if at is None or row > at][:size]


def page(rows: Rows, limit: int, hidden: int = 0) -> list[Place]:
    return visible_page(
        rows.fetch,
        lambda some: [int(row[1]) >= hidden for row in some],
        lambda row: row,
        limit=limit,
        start=None,
    )


def test_a_list_that_ends_is_not_looked_at_again():
    rows = Rows(3)
    assert len(page(rows, 5)) == 3
    assert rows.looks == [5]


def test_hidden_rows_neither_shorten_a_page_nor_end_the_list():
    rows = Rows(40)
    assert [row[1] for row in page(rows, 5, hidden=30)] == ["030", "031", "032", "033", "034"]
    assert rows.looks == [5, 10, 20]


def test_nothing_is_returned_of_what_is_hidden_to_the_end():
    rows = Rows(7)
    assert page(rows, 5, hidden=7) == []
    assert rows.looks == [5, 10]
