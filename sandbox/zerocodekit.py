"""0CodeKit behind `/0codekit`: small operations that turn one value into another, with a key in the header `auth`.

Results lie under `data`; whatever is refused is a 400 `{status, errorMessage}`, a wrong key a 401 of the same form. Its
tables (countries, currencies, rates of tax) hold a handful of entries.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.refusal import Refusal
from sandbox.route import Call, Grant, Route, Router
from sandbox.shape import Shape, shape
from sandbox.state import Record, State
from sandbox.vendor import Vendor

KEY = "sandbox"
NATIONS = {
    "AT": "Austria",
    "CH": "Switzerland",
    "DE": "Germany",
    "ES": "Spain",
    "FR": "France",
    "GB": "United Kingdom",
    "IT": "Italy",
    "NL": "Netherlands",
    "US": "United States",
}
IBAN_LENGTHS = {"AT": 20, "CH": 21, "DE": 22, "ES": 24, "FR": 27, "GB": 22, "IT": 27, "NL": 18}
VAT_IDS = {
    "AT": r"U\d{8}",
    "DE": r"\d{9}",
    "ES": r"[A-Z\d]\d{7}[A-Z\d]",
    "FR": r"[A-Z\d]{2}\d{9}",
    "IT": r"\d{11}",
    "NL": r"\d{9}B\d{2}",
}
VAT_RATES: dict[str, tuple[float, list[float]]] = {
    "AT": (20, [10, 13]),
    "DE": (19, [7]),
    "ES": (21, [4, 10]),
    "FR": (20, [2.1, 5.5, 10]),
    "IT": (22, [4, 5, 10]),
    "NL": (21, [9]),
}
IN_DOLLARS = {"USD": 1.0, "EUR": 1.08, "GBP": 1.27, "CHF": 1.12}
MAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@(?P<host>[A-Za-z\d-]+(\.[A-Za-z\d-]+)*\.[A-Za-z]{2,})")
HOSTS = ("gmail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com", "gmx.de", "example.com")
PATTERN = "DD-MM-YYYY HH:mm"
TOKENS = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


def _words(status: int, message: Any) -> Record:
    text = "; ".join(map(str, message)) if isinstance(message, list) else str(message)
    return {"status": status, "errorMessage": text}


def _refused(message: str) -> Refusal:
    return Refusal(400, _words(400, message))


def _grant(_state: State, _route: Route, headers: Mapping[str, str]) -> Grant:
    key = headers.get("auth", "")
    if key != KEY:
        raise Refusal(401, _words(401, "The API key is missing or wrong."))
    return Grant(app=key)


def _split_name(asked: Record) -> Record:
    text = asked["name"]
    if asked.get("reversed") or "," in text:
        last, _, first = text.partition(",") if "," in text else text.partition(" ")
    else:
        first, _, last = text.rpartition(" ")
        first, last = (first, last) if first else (last, "")
    return {"firstName": " ".join(first.split()), "lastName": " ".join(last.split())}


def _check_iban(asked: Record) -> Record:
    iban = re.sub(r"\s", "", asked["iban"]).upper()
    country = iban[:2]
    whole = re.fullmatch(r"[A-Z]{2}\d{2}[A-Z\d]{11,30}", iban) is not None
    digits = "".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4]) if whole else "0"
    valid = whole and IBAN_LENGTHS.get(country, len(iban)) == len(iban) and int(digits) % 97 == 1
    return {"iban": iban, "valid": valid, "countryCode": country, "bban": iban[4:]}


def _check_mail(asked: Record) -> Record:
    email = asked["email"].strip()
    found = MAIL.fullmatch(email)
    host = email.rpartition("@")[2].lower()
    near = [] if host in HOSTS else get_close_matches(host, HOSTS, n=1, cutoff=0.8)
    meant = f"{email.rpartition('@')[0]}@{near[0]}" if near else None
    return {"email": email, "valid": found is not None and ".." not in email, "didYouMean": meant}


def _check_vat(asked: Record) -> Record:
    given = asked.get("vatId") or f"{asked.get('countryCode', '')}{asked.get('id', '')}"
    whole = re.sub(r"[\s.-]", "", given).upper()
    country, number = whole[:2], whole[2:]
    pattern = VAT_IDS.get(country)
    if pattern is None:
        raise _refused(f"countryCode must be one of {', '.join(VAT_IDS)}")
    valid = re.fullmatch(pattern, number) is not None
    return {"vatId": whole, "countryCode": country, "valid": valid, "name": f"Company {number}" if valid else None}


def _rates(asked: Record) -> Record:
    country = asked["countryCode"].upper()
    if country not in VAT_RATES:
        raise _refused(f"countryCode must be one of {', '.join(VAT_RATES)}")
    standard, reduced = VAT_RATES[country]
    return {"countryCode": country, "country": NATIONS[country], "standard": standard, "reduced": reduced}


def _contains(asked: Record) -> Record:
    options = asked.get("options", {})
    flags = re.NOFLAG if options.get("caseSensitive") else re.IGNORECASE
    edge = r"\b" if options.get("onlyCompleteWords") else ""
    found = [word for word in asked["keywordList"] if re.search(f"{edge}{re.escape(word)}{edge}", asked["text"], flags)]
    return {"contains": bool(found), "found": found}


def _nation(asked: Record) -> Record:
    iso, nation = asked.get("iso", "").upper(), asked.get("nation", "").lower()
    known = next((each for each in NATIONS.items() if iso == each[0] or nation == each[1].lower()), None)
    if known is None:
        raise _refused(f"There is no country {asked.get('iso') or asked.get('nation')}")
    return {"iso": known[0], "nation": known[1]}


def _currency(asked: Record) -> Record:
    source, target = asked["sourceCurrency"].upper(), asked["targetCurrency"].upper()
    for name, code in (("sourceCurrency", source), ("targetCurrency", target)):
        if code not in IN_DOLLARS:
            raise _refused(f"{name} must be one of {', '.join(IN_DOLLARS)}")
    rate = IN_DOLLARS[source] / IN_DOLLARS[target]
    return {"amount": round(asked["amount"] * rate, 2), "currency": target, "rate": round(rate, 6)}


def _time(asked: Record) -> Record:
    form = asked.get("formatPattern", PATTERN)
    written = re.sub("|".join(TOKENS), lambda found: TOKENS[found[0]], form.replace("%", "%%"))
    try:
        here = datetime.strptime(asked["inputTime"], written).replace(tzinfo=_zone(asked["inputTimeZone"]))
    except ValueError as exc:
        raise _refused(f"inputTime must be written as {form}") from exc
    there = here.astimezone(_zone(asked["destinationTimeZone"]))
    return {"time": there.strftime(written), "timeZone": asked["destinationTimeZone"]}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        raise _refused(f"There is no time zone {name}") from exc


def _qr_code(asked: Record) -> Record:
    """The address is that of the data, so that the same code is had at the same place."""
    digest = hashlib.sha256(repr(sorted(asked.items())).encode()).hexdigest()[:24]
    return {"url": f"https://0codekit.example/qr/{digest}.png"}


def _operation(path: str, body: Shape, work: Callable[[Record], Record]) -> Route:
    """A route whose answer is the work done on its body; it changes nothing."""

    def answer(call: Call) -> Record:
        return {"data": work(call.body)}

    return Route(method="POST", path=path, answer=answer, body=body, version=None, reads=True)


SEARCH = shape("text! keywordList!:[text] options:OPTIONS", OPTIONS=shape("caseSensitive:bool onlyCompleteWords:bool"))
ROUTES: tuple[Route, ...] = (
    _operation("/operator/splitname", shape("name! reversed:bool"), _split_name),
    _operation("/business/validate/iban", shape("iban!"), _check_iban),
    _operation("/business/validate/email", shape("email!"), _check_mail),
    _operation("/business/validate/vat", shape("vatId countryCode id"), _check_vat),
    _operation("/business/lookupvatrates", shape("countryCode!"), _rates),
    _operation("/text/contains", SEARCH, _contains),
    _operation("/convert/nationiso", shape("nation iso"), _nation),
    _operation("/convert/currency", shape("amount!:number sourceCurrency! targetCurrency!"), _currency),
    _operation(
        "/dateandtime/switchtimezone",
        shape("inputTime! inputTimeZone! destinationTimeZone! formatPattern"),
        _time,
    ),
    _operation("/generate/qrcode/encode", shape("data! width:count height:count"), _qr_code),
)
ZEROCODEKIT = Vendor(
    title="0CodeKit",
    prefix="/0codekit",
    credential=f"key {KEY}",
    router=Router(ROUTES),
    grant=_grant,
    account=lambda _place: "0codekit",
    forbids=lambda *_: None,
    words=_words,
    invalid=400,
    no_route=Refusal(404, _words(404, "There is nothing at this address.")),
)
