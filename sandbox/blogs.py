"""Blog sites, authors, categories and posts."""

from __future__ import annotations

from sandbox.refusal import bad_request
from sandbox.route import Call, Route, get, post, put
from sandbox.shape import shape
from sandbox.state import Record
from sandbox.views import pick, times

POST = shape(
    "title! locationId! blogId! imageUrl! description! rawHTML! status!:DRAFT|PUBLISHED|SCHEDULED|ARCHIVED "
    "imageAltText! categories!:[text] tags:[text] author! urlSlug! canonicalLink publishedAt!:time"
)
PAGE = shape("locationId! limit!:count offset!:offset")
SHOWN = "title description imageUrl status imageAltText urlSlug canonicalLink author publishedAt categories tags"


def view(post_: Record) -> Record:
    """A post as lists and writes show it."""
    shown = {"_id": post_["id"], **pick(post_, SHOWN), **times(post_, "updatedAt")}
    return {**shown, "archived": post_["status"] == "ARCHIVED"}


def _page(call: Call, found: list[Record], start: str) -> list[Record]:
    first = call.whole(start, 0)
    return found[first : first + call.whole("limit", 10)]


def _sites(call: Call) -> Record:
    words = call.query.get("searchTerm", "").lower()
    found = [each for each in call.state.rows("blogs", call.location) if words in each["name"].lower()]
    return {"data": [{"_id": each["id"], "name": each["name"]} for each in _page(call, found, "skip")]}


def _authors(call: Call) -> Record:
    found = _page(call, list(call.state.rows("authors", call.location)), "offset")
    names = "name locationId canonicalLink"
    return {"authors": [{"_id": each["id"], **pick(each, names), **times(each, "updatedAt")} for each in found]}


def _categories(call: Call) -> Record:
    """With both names of a category: the document shows `label` and requires `name`."""
    found = _page(call, list(call.state.rows("categories", call.location)), "offset")
    shown = [
        {
            "_id": each["id"],
            "name": each["label"],
            **pick(each, "label locationId canonicalLink urlSlug"),
            **times(each, "updatedAt"),
        }
        for each in found
    ]
    return {"categories": shown}


def _posts(call: Call) -> Record:
    call.state.get("blogs", call.query["blogId"])
    held = call.state.by_value("posts", call.location, "blogId", call.query["blogId"])
    words, status = call.query.get("searchTerm", "").lower(), call.query.get("status")
    found = [each for each in held[::-1] if words in each["title"].lower() and status in {None, each["status"]}]
    return {"blogs": [view(each) for each in _page(call, found, "offset")]}


def _slug_is_taken(call: Call, slug: str, own: str | None) -> bool:
    return any(each["id"] != own for each in call.state.by_value("posts", call.location, "urlSlug", slug))


def _slug(call: Call) -> Record:
    return {"exists": _slug_is_taken(call, call.query["urlSlug"], call.query.get("postId"))}


def _fields(call: Call, own: str | None = None) -> Record:
    body = call.body
    call.state.get("blogs", body["blogId"])
    call.state.get("authors", body["author"])
    for key in body["categories"]:
        call.state.get("categories", key)
    if _slug_is_taken(call, body["urlSlug"], own):
        raise bad_request(f"The url slug {body['urlSlug']} already exists")
    return {name: value for name, value in body.items() if name != "locationId"}


def _create(call: Call) -> Record:
    return {"data": view(call.state.create("posts", call.location, _fields(call)))}


def _update(call: Call) -> Record:
    found = call.record("posts", "postId")
    return {"updatedBlogPost": view(call.state.update("posts", found, _fields(call, found["id"])))}


ROUTES: tuple[Route, ...] = (
    get(
        "/blogs/site/all",
        _sites,
        query=shape("locationId! skip!:offset limit!:count searchTerm"),
        scope="blogs/list.readonly",
        lists="blogs",
    ),
    get("/blogs/authors", _authors, query=PAGE, scope="blogs/author.readonly", lists="authors"),
    get("/blogs/categories", _categories, query=PAGE, scope="blogs/category.readonly", lists="categories"),
    get(
        "/blogs/posts/all",
        _posts,
        query=shape(
            "locationId! blogId! limit!:count offset!:offset searchTerm status:PUBLISHED|SCHEDULED|ARCHIVED|DRAFT"
        ),
        scope="blogs/posts.readonly",
        lists="posts",
    ),
    get(
        "/blogs/posts/url-slug-exists",
        _slug,
        query=shape("locationId! urlSlug! postId"),
        scope="blogs/check-slug.readonly",
    ),
    post("/blogs/posts", _create, body=POST, scope="blogs/post.write"),
    put("/blogs/posts/{postId}", _update, body=POST, scope="blogs/post-update.write"),
)
