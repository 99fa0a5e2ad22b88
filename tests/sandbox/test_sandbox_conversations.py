from __future__ import annotations

import io
import wave
from typing import Any

import pytest


@pytest.fixture
def send(client: Any) -> Any:
    """Sends a message to a contact."""

    def sent(contact: str, **fields: Any) -> Any:
        got = client.post("/conversations/messages", {"type": "SMS", "contactId": contact, "message": "Hi", **fields})
        assert got.status == 200, got.said
        return got

    return sent


def search(client: Any, **query: Any) -> Any:
    return client.get("/conversations/search", locationId=client.location, **query)


def test_a_sent_message_shows_in_the_contacts_conversation(client: Any, send: Any) -> None:
    contact = client.contact(email="a@example.com")["id"]
    first, second = send(contact), send(contact, message="Again")
    assert first["conversationId"] == second["conversationId"]
    listed = client.get(f"/conversations/{first['conversationId']}/messages")["messages"]
    assert [each["id"] for each in listed["messages"]] == [second["messageId"], first["messageId"]]
    assert client.get(f"/conversations/messages/{second['messageId']}").said["body"] == "Again"
    found = search(client)["conversations"][0]
    assert (found["lastMessageBody"], found["lastMessageDirection"], found["email"]) == (
        "Again",
        "outbound",
        "a@example.com",
    )


@pytest.mark.parametrize("documented", [False, True])
def test_messages_come_in_pages_towards_older_ones_in_both_shapes(client: Any, send: Any, documented: bool) -> None:
    client.steer("shapes", {"documented": documented})
    contact = client.contact()["id"]
    sent = [send(contact, message=str(n)) for n in range(3)]
    path = f"/conversations/{sent[0]['conversationId']}/messages"

    def page(**query: Any) -> Any:
        said = client.get(path, limit=2, **query).said
        return said if documented else said["messages"]

    first = page()
    assert ([each["body"] for each in first["messages"]], first["nextPage"]) == (["2", "1"], True)
    second = page(lastMessageId=first["lastMessageId"])
    assert ([each["body"] for each in second["messages"]], second["nextPage"]) == (["0"], False)


@pytest.mark.parametrize("documented", [False, True])
def test_an_email_has_a_record_of_its_own_in_both_shapes(client: Any, send: Any, documented: bool) -> None:
    client.steer("shapes", {"documented": documented})
    contact = client.contact(email="a@example.com")["id"]
    sent = send(contact, type="Email", subject="S", html="<p>Hi</p>")
    said = client.get(f"/conversations/messages/email/{sent['emailMessageId']}").said
    email = said if documented else said["emailMessage"]
    assert (email["subject"], email["body"], email["to"]) == ("S", "<p>Hi</p>", ["a@example.com"])
    message = client.get(f"/conversations/messages/{sent['messageId']}").said
    assert message["meta"]["email"]["messageIds"] == [sent["emailMessageId"]]


def test_a_message_needs_something_to_say(client: Any) -> None:
    contact = client.contact()["id"]
    assert client.post("/conversations/messages", {"type": "SMS", "contactId": contact}).status == 400
    assert client.post("/conversations/messages", {"type": "Pigeon", "contactId": contact}).status == 422
    assert client.post("/conversations/messages", {"type": "SMS", "contactId": "nope", "message": "x"}).status == 400


def test_only_the_app_that_sent_a_message_sets_its_status(client: Any, send: Any) -> None:
    sent = send(client.contact()["id"])
    path = f"/conversations/messages/{sent['messageId']}/status"
    client.token = "another"
    assert client.put(path, {"status": "read"}).status == 401
    client.token = "pit-one"
    assert client.put(path, {"status": "read"})["status"] == "read"
    assert client.get(f"/conversations/messages/{sent['messageId']}").said["status"] == "read"
    assert client.put(path, {"status": "unread"}).status == 422


def test_a_message_that_comes_in_makes_the_conversation_unread(client: Any, send: Any) -> None:
    contact = client.contact()["id"]
    body = {"contactId": contact, "messageType": "TYPE_SMS", "body": "Hello?"}
    message = client.steer("messages", body)["message"]
    assert message["direction"] == "inbound"
    conversation = client.get(f"/conversations/{message['conversationId']}").said
    assert (conversation["unreadCount"], conversation["contactId"]) == (1, contact)
    assert search(client, status="unread")["total"] == 1
    send(contact)
    assert search(client, status="unread")["total"] == 0


def test_conversations_are_sorted_by_last_message_and_go_on_beyond_a_time(client: Any, send: Any) -> None:
    contacts = [client.contact(email=f"{n}@example.com")["id"] for n in range(3)]
    for contact in (*contacts, contacts[0]):
        send(contact)
    first = search(client, limit=2)
    after = first["conversations"][-1]["sort"][0]
    second = search(client, limit=2, startAfterDate=after)
    found = [*first["conversations"], *second["conversations"]]
    assert [each["contactId"] for each in found] == [contacts[0], contacts[2], contacts[1]]
    oldest = search(client, sort="asc", limit=1)["conversations"]
    assert oldest[0]["contactId"] == contacts[1]
    assert search(client, startAfterDate="soon").status == 422


def test_conversations_are_filtered(client: Any, send: Any) -> None:
    one, two = client.contact(email="a@example.com", firstName="Zoe")["id"], client.contact(email="b@example.com")["id"]
    send(one)
    send(two, type="WhatsApp")
    assert search(client, contactId=one)["total"] == 1
    assert search(client, lastMessageType="TYPE_WHATSAPP")["conversations"][0]["contactId"] == two
    assert search(client, query="zoe")["conversations"][0]["contactId"] == one
    assert search(client, assignedTo="u1")["total"] == 0
    assert search(client, lastMessageType="TYPE_PIGEON").status == 422


def test_a_recording_is_not_there_until_it_is_and_then_is_a_sound_file(client: Any) -> None:
    body = {"contactId": client.contact()["id"], "messageType": "TYPE_CALL"}
    call = client.steer("messages", body)["message"]
    path = f"/conversations/messages/{call['id']}/locations/{client.location}/recording"
    assert client.get(path).status == 404
    client.steer("records/messages", {"op": "patch", "id": call["id"], "data": {"recording": 1.5}})
    got = client.get(path)
    assert (got.status, got.type) == (200, "audio/x-wav")
    with wave.open(io.BytesIO(got.said)) as sound:
        assert sound.getnframes() / sound.getframerate() == 1.5
    assert client.get(path).said == got.said
    assert client.get(path.replace(client.location, "elsewhere")).status == 400


@pytest.mark.parametrize("documented", [False, True])
def test_a_transcription_comes_as_sentences_and_as_a_file(client: Any, documented: bool) -> None:
    client.steer("shapes", {"documented": documented})
    body = {"contactId": client.contact()["id"], "messageType": "TYPE_CALL", "transcription": ["Hello.", "Yes?"]}
    call = client.steer("messages", body)["message"]
    path = f"/conversations/locations/{client.location}/messages/{call['id']}/transcription"
    said = client.get(path).said
    assert (said["transcript"] if documented else [each["transcript"] for each in said]) == (
        "Hello." if documented else ["Hello.", "Yes?"]
    )
    file = client.get(f"{path}/download")
    assert (file.said, file.type) == (b"Hello.\nYes?\n", "text/plain; charset=utf-8")
    silent = client.steer("messages", {"contactId": body["contactId"], "messageType": "TYPE_CALL"})["message"]
    assert client.get(path.replace(call["id"], silent["id"])).status == 404


@pytest.mark.parametrize(("typing", "status"), [(True, 201), ("true", 201), ("maybe", 422)])
def test_typing_is_told_to_a_conversation(client: Any, send: Any, typing: Any, status: int) -> None:
    sent = send(client.contact()["id"])
    body = {"locationId": client.location, "visitorId": "v", "conversationId": sent["conversationId"]}
    assert client.post("/conversations/providers/live-chat/typing", {**body, "isTyping": typing}).status == status
