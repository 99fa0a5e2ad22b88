"""Who may send a webhook, and what is made of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connections.vendors import GHL
from connections.webhooks import Algorithm, Scheme, Signature, Unacceptable, fault_of_key, read

NOW = 1_800_000_000.0
PRIVATE = ed25519.Ed25519PrivateKey.from_private_bytes(b"7" * 32)
OLD = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def spki(public: Any) -> str:
    return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


NEW_SCHEME = Scheme(
    signatures=(Signature(header="X-GHL-Signature", algorithm="ed25519", key=spki(PRIVATE.public_key())),)
)


def payload(**more: Any) -> bytes:
    return orjson.dumps({"type": "ContactCreate", "locationId": "loc1", "webhookId": "w1", **more})


def signed(body: bytes) -> dict[str, str]:
    return {"x-ghl-signature": base64.b64encode(PRIVATE.sign(body)).decode()}


def test_a_signed_webhook_says_what_happened_where() -> None:
    body = payload(timestamp="2027-01-15T08:00:00Z")
    notice = read(NEW_SCHEME, signed(body), body, NOW)
    assert (notice.type, notice.account, notice.id) == ("ContactCreate", "loc1", "w1")


@pytest.mark.parametrize(
    "headers",
    [{}, {"x-ghl-signature": "N/A"}, {"x-ghl-signature": "bm9uc2Vuc2U="}, {"x-ghl-signature": "not base64!"}],
)
def test_a_webhook_without_the_vendor_s_signature_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Unacceptable) as refused:
        read(NEW_SCHEME, headers, payload(), NOW)
    assert refused.value.status == 401


def test_the_signature_is_over_the_raw_body() -> None:
    body = payload()
    with pytest.raises(Unacceptable):
        read(NEW_SCHEME, signed(body), body + b" ", NOW)


@pytest.mark.parametrize("said", ["2027-01-15T07:50:00Z", "2027-01-15T08:10:00Z", (NOW - 400) * 1000, NOW - 400])
def test_a_webhook_from_another_time_is_refused(said: Any) -> None:
    body = payload(timestamp=said)
    with pytest.raises(Unacceptable, match="300 seconds"):
        read(NEW_SCHEME, signed(body), body, NOW)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"<html>"])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Unacceptable) as refused:
        read(NEW_SCHEME, signed(body), body, NOW)
    assert refused.value.status == 400


def test_a_payload_without_a_type_takes_it_from_the_address() -> None:
    body = orjson.dumps({"locationId": "loc1"})
    with pytest.raises(Unacceptable, match="type"):
        read(NEW_SCHEME, signed(body), body, NOW)
    assert read(NEW_SCHEME, signed(body), body, NOW, "RecordCreate").type == "RecordCreate"


def test_the_old_signature_counts_only_where_its_key_is_given() -> None:
    body = payload()
    old = {"x-wh-signature": base64.b64encode(OLD.sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()}
    with pytest.raises(Unacceptable):
        read(NEW_SCHEME, old, body, NOW)
    allowed = Signature(header="x-wh-signature", algorithm="rsa_sha256", key=spki(OLD.public_key()))
    assert read(Scheme(signatures=(*NEW_SCHEME.signatures, allowed)), old, body, NOW).type == "ContactCreate"


def test_a_shared_secret_signs_as_well() -> None:
    scheme = Scheme(signatures=(Signature(header="X-Signature", algorithm="hmac_sha256", key="s3cret"),))
    body = payload()
    proof = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert read(scheme, {"x-signature": f"sha256={proof}"}, body, NOW).type == "ContactCreate"
    with pytest.raises(Unacceptable):
        read(scheme, {"x-signature": "sha256=" + "0" * 64}, body, NOW)


def test_without_a_key_nothing_is_signed_rightly() -> None:
    scheme = Scheme(signatures=(Signature(header="X-Signature", algorithm="hmac_sha256"),))
    proof = hmac.new(b"", payload(), hashlib.sha256).hexdigest()
    with pytest.raises(Unacceptable):
        read(scheme, {"x-signature": proof}, payload(), NOW)


def test_what_a_webhook_is_about_may_stand_in_its_headers() -> None:
    scheme = Scheme(
        signatures=(Signature(header="X-Signature", algorithm="hmac_sha256", key="s3cret"),),
        type="header.X-Event",
        id="header.X-Delivery",
        time="header.X-Time",
        account=("header.X-Account", "shop.id"),
    )
    body = orjson.dumps({"shop": {"id": "s1"}})
    told = {
        "x-signature": hmac.new(b"s3cret", body, hashlib.sha256).hexdigest(),
        "x-event": "order.created",
        "x-delivery": "d1",
        "x-time": str(int(NOW)),
    }
    notice = read(scheme, told, body, NOW)
    assert (notice.type, notice.id, notice.account) == ("order.created", "d1", "s1")
    with pytest.raises(Unacceptable, match="300 seconds"):
        read(scheme, {**told, "x-time": str(int(NOW) - 400)}, body, NOW)


@pytest.mark.parametrize(
    ("algorithm", "key", "sound"),
    [
        ("hmac_sha256", "s3cret", True),
        ("hmac_sha256", "", False),
        ("ed25519", spki(PRIVATE.public_key()), True),
        ("ed25519", spki(OLD.public_key()), False),
        ("rsa_sha256", spki(OLD.public_key()), True),
        ("rsa_sha256", "nonsense", False),
    ],
)
def test_a_key_that_cannot_be_one_is_found_out(algorithm: Algorithm, key: str, *, sound: bool) -> None:
    assert (fault_of_key(algorithm, key) is None) is sound


def test_a_signature_of_other_letters_is_refused_like_any_other() -> None:
    scheme = Scheme(signatures=(Signature(header="X-Signature", algorithm="hmac_sha256", key="s" * 20),))
    with pytest.raises(Unacceptable, match="the signature is missing or wrong"):
        read(scheme, {"x-signature": "\xe9"}, b"{}", NOW)


def test_highlevel_s_own_key_is_a_key_and_no_key_is_shown() -> None:
    assert GHL.webhooks is not None
    with pytest.raises(Unacceptable):
        read(GHL.webhooks, signed(payload()), payload(), NOW)
    assert "s3cret" not in repr(Signature(header="X", algorithm="hmac_sha256", key="s3cret"))
