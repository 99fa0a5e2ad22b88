"""The filters of templates: what a person may write after `|`, each a small pure function."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from datetime import UTC, date, datetime, timedelta
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

_CONTINENTAL = re.compile(r"-?(\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,}|\d+,\d{1,2})")
"""Amounts that are written with a decimal comma, or with points between thousands."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIGNS: Mapping[str, str] = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
_DECIMALS: Mapping[str, int] = {
    "BHD": 3, "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "IQD": 3, "ISK": 0, "JOD": 3, "JPY": 0, "KMF": 0, "KRW": 0,
    "KWD": 3, "LYD": 3, "OMR": 3, "PYG": 0, "RWF": 0, "TND": 3, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0,
    "XOF": 0, "XPF": 0,
}  # fmt: skip
"""The decimals of currencies that do not have two (ISO 4217)."""
_TITLES = frozenset(["dr", "mr", "mrs", "ms", "miss", "mx", "mme", "herr", "frau", "prof", "sir", "rev"])
_DOTTED_TITLES = frozenset(["dipl.", "ing.", "mag.", "med.", "nat.", "phil.", "rer."])
"""Without their dot, some of these are names."""
_SUFFIXES = frozenset(["bsc", "cpa", "dds", "dmd", "esq", "ii", "iii", "iv", "jr", "mba", "msc", "phd", "sr"])
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
    """The text as lower-case letters a to z, digits and single hyphens: "Ada's Café" is `adas-cafe`.

    Letters of other scripts are left out.
    """
    plain = unicodedata.normalize("NFKD", text(value).casefold().translate(_LETTERS))
    return re.sub(r"[^a-z0-9]+", "-", "".join(each for each in plain if not unicodedata.combining(each))).strip("-")


def json(value: Any) -> str:
    """The value as JSON text."""
    return orjson.dumps(plain(value)).decode()


def moment(value: Any, zone: str = "UTC") -> datetime:
    """A time in that zone, from ISO 8601, epoch seconds or milliseconds, or a time; without an offset it is UTC.

    A date is its midnight in that zone, so that it stays the same day. Numbers from 100,000,000,000 on are
    milliseconds, as vendors send them.
    """
    place = _zone(zone)
    if isinstance(value, str):
        value = _written(value.strip())
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=place)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = _EPOCH + timedelta(seconds=value / 1000 if abs(value) >= 1e11 else value)
    if not isinstance(value, datetime):
        raise TypeError(f"expected a time, not {type(value).__name__}")
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(place)


def date_(value: Any, form: str = "%Y-%m-%d", zone: str = "UTC") -> str:
    """The time in that zone, in a `strftime` form or as `iso`: `record.dateAdded | date("%d.%m.%Y", "Asia/Tokyo")`.

    It is given in ISO 8601 (UTC without an offset), as epoch seconds or milliseconds; a date stays the same day. `iso`
    gives whole seconds.
    """
    found = moment(value, zone)
    return found.isoformat(timespec="seconds") if form == "iso" else found.strftime(form)


def at(value: Any, clock: str, zone: str = "UTC") -> datetime:
    """The same day, in that zone, with another time of day, such as `17:00`.

    `now | plus("3d") | at("17:00", "Europe/Berlin")` is written with Berlin's offset.
    """
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text(clock)):
        raise ValueError("expected a time of day such as 09:00")
    hour, minute = map(int, clock.split(":"))
    return moment(value, zone).replace(hour=hour, minute=minute, second=0, microsecond=0, fold=0)


def plus(value: Any, span: str) -> datetime:
    """The time that lies a span later, or earlier where it begins with `-`; spans are such as `90m`, `2h`, `2d`."""
    return moment(value) + signed(span)


def e164(value: Any, country: str = "US") -> str:
    """The phone number as `+` and digits (ITU-T E.164); a number without `+` or `00` is one of that country.

    The country has two letters. An extension is left out. What can be no number is an error.
    """
    import phonenumbers  # noqa: PLC0415  # it takes a tenth of a second, and few need it

    written = re.sub(r"^\D?00", "+", text(value).strip())
    region = str(country).upper()
    if not written.startswith("+") and region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"unknown country {country!r}: write it as two letters such as GB, or the number with +")
    try:
        found = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        found = phonenumbers.PhoneNumber()
    if phonenumbers.is_possible_number_with_reason(found) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise ValueError(f"is no phone number of {region}, nor one with its country in front")
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)


def money(value: Any, currency: str = "") -> str:
    """The amount with thousands separated and the currency's decimals: `$1,234.50`, `¥1,235`, `1,234.50 CHF`.

    Texts such as `1.234,50` and `€ 12,50` are understood.
    """
    amount = _amount(value)
    code = currency.upper()
    rounded = amount.quantize(Decimal(1).scaleb(-_DECIMALS.get(code, 2)), ROUND_HALF_UP)
    minus = "-" if rounded < 0 else ""
    sign = _SIGNS.get(code)
    return f"{minus}{sign}{abs(rounded):,}" if sign else f"{minus}{abs(rounded):,} {code}".rstrip()


def first_name(value: str) -> str:
    """The first word of a full name without titles; of `Lovelace, Ada` what follows the comma.

    `Mr. King` has none.
    """
    return _names(value)[0]


def last_name(value: str) -> str:
    """A full name without titles and its first word, `van der Berg`; of `Lovelace, Ada` what precedes the comma."""
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
    """The number rounded to that many decimals, at most 15; a half goes up, away from zero."""
    if not isfinite(value) or abs(value) >= 1e15:  # there are no decimals up there
        return value
    return type(value)(Decimal(str(value)).quantize(Decimal(1).scaleb(-max(0, min(digits, 15))), ROUND_HALF_UP))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name!r}: expected a name such as Europe/Vienna") from None


def _form(form: str) -> str:
    if form != "iso" and "%" not in str(form):
        raise ValueError(f"{form!r} is no form of a time: expected `iso` or such as '%d.%m.%Y'; the zone comes second")
    return form


FILTERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "at": at,
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


WRITTEN_OUT: Mapping[str, tuple[tuple[str, int, Callable[[Any], Any]], ...]] = MappingProxyType(
    {
        "date": (("form", 0, _form), ("zone", 1, _zone)),
        "plus": (("span", 0, signed),),
    }
)
"""Arguments of filters, by name and position, that can be checked where they are written out."""


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
            return orjson.dumps(value).decode()
        case _:
            return str(value)


def bounded(size: int) -> None:
    """Refuses what would become larger than a template may give."""
    if size > LIMIT:
        raise ValueError(f"more than {LIMIT:,} characters or items")


def _written(value: str) -> datetime | date | float:
    """The time that a text says: a number, or ISO 8601."""
    try:
        if re.fullmatch(r"-?\d+(\.\d+)?", value) and len(value) != len("20260301"):
            return float(value)
        return date.fromisoformat(value) if len(value) in {8, 10} else datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("expected a time such as 2026-03-01T09:00:00Z") from None


def _amount(value: Any) -> Decimal:
    """The number that a text of money says: `1,234.50` and `1.234,50` are the same, `1,234` and `1.234` are not."""
    written = re.sub(r"[\s'\u2019]", "", text(value)).replace("\u2212", "-")
    written = "".join(each for each in written if unicodedata.category(each) != "Sc")
    if _CONTINENTAL.fullmatch(written):
        written = written.replace(".", "").replace(",", ".")
    try:
        amount = Decimal(written.replace(",", ""))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) >= Decimal("1e18"):
        raise ValueError("expected an amount of money")
    return amount


def _names(value: str) -> tuple[str, str]:
    head, *tail = [words for words in (each.split() for each in text(value).split(",")) if words] or [[]]
    after = [words for words in tail if not all(map(_is_suffix, words))]
    suffixes = [word for words in tail if words not in after for word in words]
    given = [word for words in after for word in words]
    words = _untitled(given or head)
    alone = len(words) == 1 < len(head)  # Mr. Smith has a last name
    first, last = (words, head) if given else ([], words) if alone else (words[:1], words[1:])
    return " ".join(first), " ".join([*last, *suffixes])


def _untitled(words: list[str]) -> list[str]:
    while len(words) > 1 and (words[0].casefold().rstrip(".") in _TITLES or words[0].casefold() in _DOTTED_TITLES):
        words = words[1:]
    return words


def _is_suffix(word: str) -> bool:
    bare = word.replace(".", "")
    return bare.casefold() in _SUFFIXES or bare == "MD"  # Md is a name
