"""Whatever goes wrong, in words: what happened, and the exit status that it means."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping

from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from config.problems import ConfigError
from connections.errors import VendorError
from worker.logs import Mask

FAULT, USAGE, OUT_OF_REACH = 1, 2, 3


class Fault(Exception):
    """The user's input is at fault; the message says how, and what would be right."""


class OutOfReach(Exception):
    """Something that a command needs cannot be reached; the message says what, and what to do."""


def told(error: Exception, environ: Mapping[str, str], mask: Callable[[], Mask]) -> tuple[str, int]:
    """What to print, and the exit status; a trace is masked, as it repeats what errors below say."""
    message, status = _told(error)
    if environ.get("HIGHTIDE_DEBUG") == "1":
        trace = "".join(traceback.format_exception(error))
        return f"{message}\n{mask()(trace)}", status
    return message, status


def _told(error: Exception) -> tuple[str, int]:
    match error:
        case ConfigError():
            return str(error), FAULT
        case VendorError() | OutOfReach():
            said, status = str(error), OUT_OF_REACH
        case RedisError():
            said, status = f"Redis is out of reach ({_line(error)}); see `hightide doctor`", OUT_OF_REACH
        case SQLAlchemyError():
            cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
            said, status = f"the database cannot be used ({_line(cause)}); see `hightide doctor`", OUT_OF_REACH
        case Fault() | OSError():
            said, status = str(error), FAULT
        case _:
            what = f"{type(error).__name__}: {_line(error)}"
            said, status = f"this should not happen, please report it: {what} (HIGHTIDE_DEBUG=1 shows where)", FAULT
    return f"hightide: {said}", status


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:500]
