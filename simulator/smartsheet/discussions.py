"""Discussions, comments and attachments of sheets and rows.

Called by `routes` and `people`. A comment counts a version of the sheet and leaves the row's stamp alone.
"""

from __future__ import annotations

from typing import Any

from simulator.smartsheet.call import Call, page_of, stamp, success
from simulator.smartsheet.errors import Problem
from simulator.smartsheet.state import Actor, Row, Sheet, State


def list_discussions(call: Call) -> dict[str, Any]:
    """GET /sheets/{id}/discussions and …/rows/{id}/discussions; comments with `include=comments`."""
    sheet = call.sheet()
    row = call.row(sheet) if len(call.ids) > 1 else None
    found = [each for each in sheet.discussions.values() if row is None or each["parentId"] == row.id]
    page, facts = page_of(found, call)
    whole = "comments" in call.listed("include")
    return {**facts, "data": [each if whole else _brief(each) for each in page]}


def add_discussion(call: Call) -> dict[str, Any]:
    """POST /sheets/{id}/discussions and …/rows/{id}/discussions."""
    sheet = call.sheet("COMMENTER")
    row = call.row(sheet) if len(call.ids) > 1 else None
    comment = call.record().get("comment")
    if not isinstance(comment, dict):
        raise Problem(1012, "discussion.comment")
    return success(start(call.state, sheet, row, _text(comment), call.actor), version=sheet.version)


def get_discussion(call: Call) -> dict[str, Any]:
    """GET /sheets/{id}/discussions/{id}, with its comments."""
    return _discussion(call, call.sheet())


def delete_discussion(call: Call) -> dict[str, Any]:
    """DELETE /sheets/{id}/discussions/{id}."""
    sheet = call.sheet("COMMENTER")
    found = _discussion(call, sheet)
    del sheet.discussions[found["id"]]
    _commit(call.state, sheet, "discussion", "deleted", found["id"], call.actor)
    return success(version=sheet.version)


def add_comment(call: Call) -> dict[str, Any]:
    """POST /sheets/{id}/discussions/{id}/comments."""
    sheet = call.sheet("COMMENTER")
    found = _discussion(call, sheet)
    comment = _new_comment(call.state, found["id"], _text(call.record()), call.actor)
    found["comments"].append(comment)
    _refresh(found)
    _commit(call.state, sheet, "comment", "created", comment["id"], call.actor)
    return success(comment, version=sheet.version)


def get_comment(call: Call) -> dict[str, Any]:
    """GET /sheets/{id}/comments/{id}."""
    return _comment(call, call.sheet())[1]


def update_comment(call: Call) -> dict[str, Any]:
    """PUT /sheets/{id}/comments/{id}; only by its author."""
    sheet = call.sheet("COMMENTER")
    _, comment = _comment(call, sheet)
    if comment["createdBy"]["email"] != call.actor.user.email:
        raise Problem(1004)
    comment |= {"text": _text(call.record()), "modifiedAt": stamp(call.state.now())}
    _commit(call.state, sheet, "comment", "updated", comment["id"], call.actor)
    return success(comment, version=sheet.version)


def delete_comment(call: Call) -> dict[str, Any]:
    """DELETE /sheets/{id}/comments/{id}; the last one takes the discussion along."""
    sheet = call.sheet("COMMENTER")
    found, comment = _comment(call, sheet)
    found["comments"].remove(comment)
    if not found["comments"]:
        del sheet.discussions[found["id"]]
    _refresh(found)
    _commit(call.state, sheet, "comment", "deleted", comment["id"], call.actor)
    return success(version=sheet.version)


def start(state: State, sheet: Sheet, row: Row | None, text: str, actor: Actor) -> dict[str, Any]:
    """Open a discussion with its first comment, as one change of the sheet."""
    made: dict[str, Any] = {
        "id": state.new_id(),
        "title": text[:100],
        "parentType": "ROW" if row else "SHEET",
        "parentId": row.id if row else sheet.id,
        "accessLevel": sheet.access,
        "readOnly": False,
        "createdBy": _who(actor),
        "comments": [],
    }
    made["comments"].append(_new_comment(state, made["id"], text, actor))
    _refresh(made)
    sheet.discussions[made["id"]] = made
    events = [
        {"objectType": "discussion", "eventType": "created", "id": made["id"]},
        {"objectType": "comment", "eventType": "created", "id": made["comments"][0]["id"]},
    ]
    state.commit(sheet, events, actor)
    return made


def list_attachments(call: Call) -> dict[str, Any]:
    """GET /sheets/{id}/attachments and …/rows/{id}/attachments."""
    sheet = call.sheet()
    row = call.row(sheet) if len(call.ids) > 1 else None
    found = [each for each in sheet.attachments.values() if row is None or each["parentId"] == row.id]
    page, facts = page_of(found, call)
    return {**facts, "data": page}


def get_attachment(call: Call) -> dict[str, Any]:
    """GET /sheets/{id}/attachments/{id}."""
    return _attachment(call, call.sheet())


def delete_attachment(call: Call) -> dict[str, Any]:
    """DELETE /sheets/{id}/attachments/{id}."""
    sheet = call.sheet("EDITOR")
    found = _attachment(call, sheet)
    del sheet.attachments[found["id"]]
    _commit(call.state, sheet, "attachment", "deleted", found["id"], call.actor)
    return success()


def add_attachment(call: Call) -> dict[str, Any]:
    """POST /sheets/{id}/attachments and …/rows/{id}/attachments: a link as JSON, or a file as the body.

    Of a file only name, type and size are kept; the bytes are not.
    """
    sheet = call.sheet("EDITOR")
    row = call.row(sheet) if len(call.ids) > 1 else None
    made: dict[str, Any] = {
        "id": call.state.new_id(),
        **(_link(call) if _is_json(call) else _file(call)),
        "parentType": "ROW" if row else "SHEET",
        "parentId": row.id if row else sheet.id,
        "createdAt": stamp(call.state.now()),
        "createdBy": _who(call.actor),
    }
    sheet.attachments[made["id"]] = made
    _commit(call.state, sheet, "attachment", "created", made["id"], call.actor)
    return success(made, version=sheet.version)


def _is_json(call: Call) -> bool:
    return "json" in call.request.headers.get("content-type", "")


def _link(call: Call) -> dict[str, Any]:
    given = call.record()
    for name in ("name", "url"):
        if not given.get(name):
            raise Problem(1012, f"attachment.{name}")
    kind = given.get("attachmentType", "LINK")
    if kind == "FILE":
        raise Problem(1031, kind, "attachmentType")
    return {"name": given["name"], "url": given["url"], "attachmentType": kind}


def _file(call: Call) -> dict[str, Any]:
    said = call.request.headers.get("content-disposition", "")
    name = said.partition("filename=")[2].strip(' "') or "file"
    return {
        "name": name,
        "attachmentType": "FILE",
        "mimeType": call.request.headers.get("content-type", "application/octet-stream"),
        "sizeInKb": max(1, len(call.request.body) // 1024),
    }


def _text(given: dict[str, Any]) -> str:
    text = given.get("text")
    if not isinstance(text, str) or not text:
        raise Problem(1012, "comment.text")
    return text


def _new_comment(state: State, discussion: int, text: str, actor: Actor) -> dict[str, Any]:
    now = stamp(state.now())
    return {
        "id": state.new_id(),
        "discussionId": discussion,
        "text": text,
        "createdBy": _who(actor),
        "createdAt": now,
        "modifiedAt": now,
    }


def _refresh(discussion: dict[str, Any]) -> None:
    comments = discussion["comments"]
    discussion["commentCount"] = len(comments)
    if comments:
        discussion["lastCommentedAt"] = comments[-1]["createdAt"]
        discussion["lastCommentedUser"] = comments[-1]["createdBy"]


def _brief(discussion: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in discussion.items() if name != "comments"}


def _discussion(call: Call, sheet: Sheet) -> dict[str, Any]:
    if call.ids[1] not in sheet.discussions:
        raise Problem(1006)
    return sheet.discussions[call.ids[1]]


def _comment(call: Call, sheet: Sheet) -> tuple[dict[str, Any], dict[str, Any]]:
    for discussion in sheet.discussions.values():
        for comment in discussion["comments"]:
            if comment["id"] == call.ids[1]:
                return discussion, comment
    raise Problem(1006)


def _attachment(call: Call, sheet: Sheet) -> dict[str, Any]:
    if call.ids[1] not in sheet.attachments:
        raise Problem(1006)
    return sheet.attachments[call.ids[1]]


def _who(actor: Actor) -> dict[str, str]:
    return {"email": actor.user.email, "name": actor.user.name}


def _commit(state: State, sheet: Sheet, kind: str, event: str, number: int, actor: Actor) -> None:
    state.commit(sheet, [{"objectType": kind, "eventType": event, "id": number}], actor)
