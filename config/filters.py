"""The filters of templates: what a person may write after `|`, each a small pure function."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from math import isfinite
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from jinja2 import Undefined

from config.span import signed

LIMIT = 256 * 1024
"""How many characters, or items, anything in a template may give."""


class Omit:
    """What `omit` gives in a template: the entry of a mapping or list whose value it is is left out."""

    def __bool__(self) -> bool:
        return False


OMIT = Omit()

_CALLING_CODES: Mapping[str, tuple[str, str]] = {
    # country: calling code (ITU-T E.164), and the prefix that is dialled inside the country and left out abroad
    "AE": ("971", "0"), "AR": ("54", "0"), "AT": ("43", "0"), "AU": ("61", "0"), "BE": ("32", "0"),
    "BG": ("359", "0"), "BR": ("55", "0"), "CA": ("1", "1"), "CH": ("41", "0"), "CL": ("56", ""),
    "CN": ("86", "0"), "CO": ("57", ""), "CY": ("357", ""), "CZ": ("420", ""), "DE": ("49", "0"),
    "DK": ("45", ""), "EE": ("372", ""), "EG": ("20", "0"), "ES": ("34", ""), "FI": ("358", "0"),
    "FR": ("33", "0"), "GB": ("44", "0"), "GR": ("30", ""), "HK": ("852", ""), "HR": ("385", "0"),
    "HU": ("36", "06"), "ID": ("62", "0"), "IE": ("353", "0"), "IL": ("972", "0"), "IN": ("91", "0"),
    "IS": ("354", ""), "IT": ("39", ""), "JP": ("81", "0"), "KE": ("254", "0"), "KR": ("82", "0"),
    "LT": ("370", "0"), "LU": ("352", ""), "LV": ("371", ""), "MT": ("356", ""), "MX": ("52", ""),
    "MY": ("60", "0"), "NG": ("234", "0"), "NL": ("31", "0"), "NO": ("47", ""), "NZ": ("64", "0"),
    "PE": ("51", "0"), "PH": ("63", "0"), "PK": ("92", "0"), "PL": ("48", ""), "PT": ("351", ""),
    "RO": ("40", "0"), "RS": ("381", "0"), "SA": ("966", "0"), "SE": ("46", "0"), "SG": ("65", ""),
    "SI": ("386", "0"), "SK": ("421", "0"), "TH": ("66", "0"), "TR": ("90", "0"), "TW": ("886", "0"),
    "UA": ("380", "0"), "US": ("1", "1"), "VN": ("84", "0"), "ZA": ("27", "0"),
}  # fmt: skip
_SIGNS: Mapping[str, str] = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
_WHOLE = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "VND"})
"""Currencies without a smaller unit (ISO 4217)."""
_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "\u0131": "i",
        "\u2019": "",
        "'": "",
    }
)


def default(value: Any, instead: Any = "") -> Any:
    """The value, or `instead` where it is missing, null or an empty text."""
    return instead if isinstance(value, Undefined) or value is None or value == "" else value


def slug(value: str) -> str:
    """The text as lower-case letters a to z, digits and single hyphens: "Ada's Café" is `adas-cafe`."""
    plain = unicodedata.normalize("NFKD", str(value).casefold().translate(_LETTERS))
    return re.sub(r"[^a-z0-9]+", "-", "".join(each for each in plain if not unicodedata.combining(each))).strip("-")


def json(value: Any) -> str:
    """The value as JSON text."""
    return orjson.dumps(value).decode()


def moment(value: Any, zone: str = "UTC") -> datetime:
    """A time in that zone, from ISO 8601, epoch seconds or milliseconds, or a time; without an offset it is UTC.

    Numbers from 100,000,000,000 on are milliseconds, as vendors send them.
    """
    if isinstance(value, str) and not value.strip().isdigit():
        found = datetime.fromisoformat(value.strip())
    elif isinstance(value, date):
        found = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
    elif isinstance(value, (int, float, str)) and not isinstance(value, bool):
        number = float(value)
        found = datetime.fromtimestamp(number / 1000 if abs(number) >= 1e11 else number, UTC)
    else:
        raise TypeError(f"expected a time, not {type(value).__name__}")
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(_zone(zone))


def date_(value: Any, form: str = "%Y-%m-%d", zone: str = "UTC") -> str:
    """The time in that zone, in a `strftime` form or as `iso`: `record.dateAdded | date("%d.%m.%Y", "Asia/Tokyo")`."""
    found = moment(value, zone)
    return found.isoformat() if form == "iso" else found.strftime(form)


def plus(value: Any, span: str) -> datetime:
    """The time that lies a span later, or earlier where it begins with `-`; spans are such as `90m`, `2h`, `2d`."""
    return moment(value) + signed(span)


def e164(value: Any, country: str = "US") -> str:
    """The phone number as `+` and digits (ITU-T E.164); a number without `+` or `00` is one of that country."""
    written = re.sub(r"(?i)(ext\.?|x)\s*\d+\s*$", "", str(value)).strip()
    digits = re.sub(r"\D", "", written.replace("(0)", ""))
    whole = written.startswith("+") or digits.startswith("00")
    number = digits.removeprefix("00") if whole else _abroad(digits, country)
    if not 8 <= len(number) <= 15 or number.startswith("0"):
        raise ValueError(f"no phone number of {country} has these digits")
    return f"+{number}"


def money(value: Any, currency: str = "") -> str:
    """The amount with thousands separated and the currency's decimals: `$1,234.50`, `1,234.50 CHF`, `1,234.50`."""
    try:
        amount = Decimal(str(value).strip().replace(",", ""))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) >= Decimal("1e18"):
        raise ValueError("expected an amount of money")
    unit = Decimal(1) if currency in _WHOLE else Decimal("0.01")
    text = f"{abs(amount).quantize(unit, ROUND_HALF_UP):,}"
    minus = "-" if amount < 0 else ""
    sign = _SIGNS.get(currency)
    return f"{minus}{sign}{text}" if sign else f"{minus}{text} {currency}".rstrip()


def first_name(value: str) -> str:
    """The first word of a full name; of `Lovelace, Ada` what follows the comma."""
    return _names(value)[0]


def last_name(value: str) -> str:
    """A full name without its first word; of `Lovelace, Ada` what precedes the comma."""
    return _names(value)[1]


def join(values: Iterable[Any], between: str = "") -> str:
    """The items as one text, with `between` between them."""
    texts = [text(value) for value in values]
    bounded(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


def replace(value: Any, old: str, new: str) -> str:
    """The text with every `old` replaced by `new`."""
    whole = text(value)
    bounded(len(whole) + whole.count(old) * len(new))
    return whole.replace(old, new)


def round_(value: float, digits: int = 0) -> float:
    """The number rounded to that many decimals, at most 15."""
    return round(value, max(0, min(digits, 15)))


FILTERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "date": date_,
        "default": default,
        "e164": e164,
        "first_name": first_name,
        "join": join,
        "json": json,
        "last_name": last_name,
        "money": money,
        "plus": plus,
        "replace": replace,
        "round": round_,
        "slug": slug,
    }
)


def plain(value: Any) -> Any:
    """The value as JSON knows it: times become ISO 8601 text, sequences become lists.

    What is missing, a method that was not called and whatever else is no data is refused; `omit` is left to the caller,
    and left out of mappings and sequences.
    """
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items() if each is not OMIT}
    if isinstance(value, (list, tuple, range, ItemsView, KeysView, ValuesView, Iterator)):
        return [plain(each) for each in value if each is not OMIT]
    return value if value is OMIT else _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    match value:
        case str():
            bounded(len(value))
            return value
        case None | bool():
            return value
        case int() if -(2**63) <= value < 2**64:
            return value
        case float() if isfinite(value):
            return value
        case date():
            return value.isoformat()
        case Undefined():
            return str(value) or None
        case _:
            raise TypeError("found a method: call it with ()" if callable(value) else "gives no value that JSON knows")


def text(value: Any) -> str:
    """The value as it stands inside a text: null is nothing, true is `true`, lists and mappings are JSON."""
    if isinstance(value, str):
        return value
    value = plain(value)
    match value:
        case None:
            return ""
        case Omit():
            raise ValueError("`omit` leaves a whole value out: it cannot stand inside a text")
        case bool() | dict() | list():
            return json(value)
        case _:
            return str(value)


def bounded(size: int) -> None:
    """Refuses what would become larger than a template may give."""
    if size > LIMIT:
        raise ValueError(f"more than {LIMIT:,} characters or items")


def _names(value: str) -> tuple[str, str]:
    before, comma, after = str(value).partition(",")
    if comma and after.strip():
        return " ".join(after.split()), " ".join(before.split())
    first, _, last = " ".join(str(value).replace(",", " ").split()).partition(" ")
    return first, last


def _abroad(digits: str, country: str) -> str:
    if country not in _CALLING_CODES:
        raise ValueError(f"unknown country {country!r}: write it as two capital letters, or the number with +")
    code, inland = _CALLING_CODES[country]
    if code == "1" and len(digits.removeprefix("1")) != 10:
        raise ValueError("a number of the United States or Canada has ten digits")
    return code + (digits.removeprefix(inland) if inland else digits)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name!r}: expected a name such as Europe/Vienna") from None
