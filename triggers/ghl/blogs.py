"""Blogs, their posts, authors and categories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from connections.errors import Garbage
from connections.operation import InLocation, LocationId, get
from connections.paging import Offset, object_in
from triggers.trigger import Availability, Snapshot, Trigger, minutes

CATEGORY = "Other Operations"

PAGES = Offset(skip="offset", size=50)


class Slug(TypedDict, total=False):
    """The last part of a post's web address."""

    urlSlug: Required[str]
    locationId: Required[LocationId]
    postId: Annotated[str, Field(description="A post that may have it already.")]


class Posts(TypedDict, total=False):
    """Which posts: all of the blog unless narrowed."""

    locationId: Required[LocationId]
    blogId: Required[str]
    searchTerm: Annotated[str, Field(description="Words in the post's name.")]
    status: Literal["PUBLISHED", "SCHEDULED", "ARCHIVED", "DRAFT"]


class Blogs(TypedDict, total=False):
    """Which blogs: all of the location unless narrowed."""

    locationId: Required[LocationId]
    searchTerm: Annotated[str, Field(description="Words in the blog's name.")]


def taken(answer: Any, inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Two entries: one that is there only while the address is taken, and one that is always there and changes."""
    exists = object_in(answer).get("exists")
    if not isinstance(exists, bool):
        raise Garbage("expected whether the address exists")
    state = {"urlSlug": inputs["urlSlug"], "exists": exists}
    return [{"entry": name, **state} for name in ("address", "state") if name == "state" or state["exists"]]


ROWS = (
    Trigger(
        id="ghl.blogs.slug_exists",
        summary="A web address of the blog is taken, or becomes free",
        fetch=get("/blogs/posts/url-slug-exists", Slug),
        key=("urlSlug", "entry"),
        strategy=Availability(entries=taken, events=("new", "removed", "changed")),
        default_event="changed",
        scopes=("blogs/check-slug.readonly",),
    ),
    Trigger(
        id="ghl.blogs.authors.list",
        summary="An author of the blogs is new, has changed, or is gone",
        fetch=get("/blogs/authors", InLocation),
        records="authors",
        key=("_id",),
        strategy=Snapshot(version="updatedAt"),
        paging=PAGES,
        scopes=("blogs/author.readonly",),
        every=minutes(15),
    ),
    Trigger(
        id="ghl.blogs.categories.list",
        summary="A category of the blogs is new, has changed, or is gone",
        fetch=get("/blogs/categories", InLocation),
        records="categories",
        key=("_id",),
        strategy=Snapshot(version="updatedAt"),
        paging=PAGES,
        scopes=("blogs/category.readonly",),
        every=minutes(15),
    ),
    Trigger(
        id="ghl.blogs.posts.list",
        summary="A post of a blog is new, has changed, or is gone",
        fetch=get("/blogs/posts/all", Posts),
        records="blogs",
        key=("_id",),
        strategy=Snapshot(version="updatedAt"),
        paging=PAGES,
        scopes=("blogs/posts.readonly",),
        every=minutes(10),
    ),
    Trigger(
        id="ghl.blogs.sites.list",
        summary="A blog is new, has changed, or is gone",
        fetch=get("/blogs/site/all", Blogs),
        records="data",
        key=("_id",),
        strategy=Snapshot(),
        paging=Offset(size=50),
        scopes=("blogs/list.readonly",),
        every=minutes(15),
    ),
)
