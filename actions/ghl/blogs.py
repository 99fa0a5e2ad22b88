"""Blog posts."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from actions.action import Action, Guarded, Probe
from connections.fields import DateTime, Url
from connections.operation import LocationId, get, post, put
from connections.paging import Offset

CATEGORY = "Other Operations"


class Post(TypedDict, total=False):
    """A blog post, whole: changing one takes all of it again."""

    title: Required[str]
    locationId: Required[LocationId]
    blogId: Required[str]
    imageUrl: Required[Url]
    description: Required[Annotated[str, Field(description="A few words on what it is about.")]]
    rawHTML: Required[Annotated[str, Field(description="The text, as HTML.")]]
    status: Required[Literal["DRAFT", "PUBLISHED", "SCHEDULED", "ARCHIVED"]]
    imageAltText: Required[str]
    categories: Required[
        Annotated[list[str], Field(description="Ids of categories, as ghl.blogs.categories.list tells them.")]
    ]
    tags: list[str]
    author: Required[Annotated[str, Field(description="The id of an author, as ghl.blogs.authors.list tells it.")]]
    urlSlug: Required[Annotated[str, Field(description="The last part of its web address; unique.")]]
    canonicalLink: Url
    publishedAt: Required[DateTime]


class Posts(TypedDict, total=False):
    """A look at a blog's posts."""

    locationId: Required[LocationId]
    blogId: Required[str]
    searchTerm: str


ROWS = (
    Action(
        id="ghl.blogs.posts.create",
        summary="Create a blog post",
        send=post("/blogs/posts", Post),
        repeat=Guarded(
            probe=Probe(
                find=get("/blogs/posts/all", Posts),
                records="blogs",
                asks={"blogId": "blogId", "searchTerm": "title"},
                paging=Offset(skip="offset", size=50),
                same={"urlSlug": "urlSlug"},
                id="_id",
            )
        ),
        returns=("data._id", "data.blogPost._id"),
        scopes=("blogs/post.write",),
    ),
    Action(
        id="ghl.blogs.posts.update",
        summary="Replace a blog post",
        send=put("/blogs/posts/{postId}", Post),
        returns="updatedBlogPost._id",
        scopes=("blogs/post-update.write",),
    ),
)
