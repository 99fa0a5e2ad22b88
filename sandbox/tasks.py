"""Tasks of a contact."""

from __future__ import annotations

from sandbox.refusal import missing
from sandbox.route import Call, Route, delete, get, post, put
from sandbox.shape import shape
from sandbox.state import Record
from sandbox.views import pick

CREATE = shape("title! body dueDate!:time completed!:bool assignedTo")
UPDATE = shape("title body dueDate:time completed:bool assignedTo")


def view(task: Record) -> Record:
    """A task as the vendor shows it, without times."""
    return pick(task, "id title body assignedTo dueDate completed contactId")


def _own(call: Call) -> Record:
    contact = call.record("contacts", "contactId")
    task = call.record("tasks", "taskId")
    if task["contactId"] != contact["id"]:
        raise missing("Task", task["id"])
    return task


def _list(call: Call) -> Record:
    contact = call.record("contacts", "contactId")
    found = call.state.by_value("tasks", contact["locationId"], "contactId", contact["id"])
    return {"tasks": [view(task) for task in found]}


def _create(call: Call) -> Record:
    contact = call.record("contacts", "contactId")
    fields = {name: value for name, value in call.body.items() if value is not None}
    task = call.state.create("tasks", contact["locationId"], {**fields, "contactId": contact["id"]})
    return {"task": view(task)}


def _read(call: Call) -> Record:
    return {"task": view(_own(call))}


def _update(call: Call) -> Record:
    return {"task": view(call.state.update("tasks", _own(call), call.body))}


def _delete(call: Call) -> Record:
    call.state.remove("tasks", _own(call)["id"])
    return {"succeded": True}


ONE = "/contacts/{contactId}/tasks/{taskId}"
ROUTES: tuple[Route, ...] = (
    get("/contacts/{contactId}/tasks", _list, scope="contacts.readonly"),
    post("/contacts/{contactId}/tasks", _create, body=CREATE, ok=201, scope="contacts.write"),
    get(ONE, _read, scope="contacts.readonly"),
    put(ONE, _update, body=UPDATE, scope="contacts.write"),
    put(f"{ONE}/completed", _update, body=shape("completed!:bool"), scope="contacts.write"),
    delete(ONE, _delete, scope="contacts.write"),
)
