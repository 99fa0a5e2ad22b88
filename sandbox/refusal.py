"""Refusals: the answers a vendor gives to a request it does not carry out."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """A request is not carried out; `status` and `body` are the answer."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def bad_request(message: str, **more: Any) -> Refusal:
    """400: the vendor's answer to a missing object, too."""
    return Refusal(400, {"statusCode": 400, "message": message, "error": "Bad Request", **more})


def missing(what: str, key: str) -> Refusal:
    """400, as the vendor answers for an unknown id."""
    return bad_request(f"{what} with id {key} not found")


def unauthorized(message: str = "Invalid token: access token is invalid") -> Refusal:
    """401: a missing or unknown token, a missing scope, an unknown path, a missing Version header."""
    return Refusal(401, {"statusCode": 401, "message": message, "error": "Unauthorized"})


def forbidden() -> Refusal:
    """403: a token of another location."""
    message = "The token does not have access to this location."
    return Refusal(403, {"statusCode": 403, "message": message, "error": "Forbidden"})


def not_found(message: str) -> Refusal:
    """404, where the vendor gives one: recordings and transcriptions."""
    return Refusal(404, {"statusCode": 404, "message": message, "error": "Not Found"})


def unprocessable(*messages: str) -> Refusal:
    """422: the message is a list."""
    return Refusal(422, {"statusCode": 422, "message": list(messages), "error": "Unprocessable Entity"})
