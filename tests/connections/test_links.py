"""Where the next page is, as a Link header says it."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from connections.connection import ApiKey, Connection, NoAuth
from connections.errors import Garbage
from connections.links import next_page
from connections.operation import Operation
from connections.paging import Linked
from connections.request import build

AT = Connection(name="a", kind="x", base_url="https://api.example/v3", auth=NoAuth())


@pytest.mark.parametrize(
    ("header", "page"),
    [
        ('<https://api.example/v3/a?page=2&q=x%20y>; rel="next"', "/a?page=2&q=x%20y"),
        (
            '<https://api.example/v3/a?page=1>; rel="prev", <https://api.example/v3/b?after=c,d>; rel="next"',
            "/b?after=c%2Cd",
        ),
        ("</v3/a?page=2>; title=x; rel=next", "/a?page=2"),
        ('<?page=2>;rel="last next"', "/things/a?page=2"),
        ('<https://api.example/v3/a?page=1>; REL="NEXT"', "/a?page=1"),
        ('<https://api.example/v3/a?page=9>; rel="last"', None),
        ('<https://api.example/v3/a?page=9>; rel="nextish"', None),
        ("nonsense", None),
        ("<https://evil.example/v3/a?secret=1>; rel=next", "https://evil.example/v3/a"),
        ("<https://api.example/v33/a>; rel=next", "https://api.example/v33/a"),
        ("<http://api.example/v3/a>; rel=next", "http://api.example/v3/a"),
        ("<https://api.example@evil.example/v3/a>; rel=next", "https://api.example@evil.example/v3/a"),
    ],
)
def test_the_next_page_is_the_one_that_the_vendor_names(header: str, page: str | None) -> None:
    assert next_page(header, AT, "/things/a") == page


def test_a_key_in_the_query_is_not_part_of_it() -> None:
    auth = ApiKey(key=SecretStr("s3cret"), header=None, query="key")
    keyed = Connection(name="a", kind="x", base_url="https://api.example", auth=auth)
    assert next_page("<https://api.example/a?key=s3cret&page=2>; rel=next", keyed, "/a") == "/a?page=2"


def test_a_link_takes_the_place_of_path_and_query() -> None:
    operation = Operation(method="GET", path="/a/{id}")
    request = build(operation, {"id": "x"}, AT, {"since": "now", "size": 5}, "/b/1?page=2&size=5")
    assert (request.path, request.query) == ("/b/1", (("page", "2"), ("size", "5")))


def test_pages_are_followed_to_the_last_one_and_nowhere_else() -> None:
    paging = Linked(limit="size", size=5)
    assert paging.ask(None) == {"size": 5}
    assert paging.after(None, [], [], "/a?page=2") == "/a?page=2"
    assert paging.after("/a?page=2", [], [{}] * 5, None) is None
    with pytest.raises(Garbage, match=r"https://evil\.example/a, which is not below the connection's base_url"):
        paging.after(None, [], [], "https://evil.example/a")
