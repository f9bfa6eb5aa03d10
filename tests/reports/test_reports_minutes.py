"""Minutes: the stub is read back as it was filled in, every mistake is told with its line, nothing hostile gets through."""

from __future__ import annotations

from datetime import date

import pytest
from dossier_desk import dossier_of
from hypothesis import given, settings
from hypothesis import strategies as st
from reports_desk import TODAY, look

from sync.reports.catalog import Audience, of_one
from sync.reports.markdown import markdown
from sync.reports.taking import LARGEST, MOST, BadMinutes, take
from sync.reports.viewing import reference
from sync.reports.views import Asked

STUB = markdown(of_one("minutes", Audience.CUSTOMER, look(dossier_of()), Asked(meeting=TODAY)))


def filled(*rows: str, stub: str = STUB) -> bytes:
    """The stub with its empty lines replaced by these."""
    lines = [line for line in stub.splitlines() if not (line.startswith("| ") and line.endswith("|  |"))]
    place = next(number for number, line in enumerate(lines) if line.startswith("|---|---|---|---|---|"))
    return "\n".join([*lines[: place + 1], *rows, *lines[place + 1 :]]).encode()


def mistakes(data: bytes) -> str:
    with pytest.raises(BadMinutes) as caught:
        take(data, TODAY)
    return "\n".join(caught.value.args)


@pytest.mark.parametrize("audience", list(Audience))
def test_an_empty_stub_holds_its_meeting_and_no_action(audience: Audience) -> None:
    page = of_one("minutes", audience, look(dossier_of()), Asked(meeting=date(2026, 11, 4)))
    found = take(markdown(page).encode(), TODAY)
    assert (found.meeting, found.reference, found.actions) == (date(2026, 11, 4), reference("deal"), ())


def test_what_was_filled_in_is_read_whoever_formatted_it() -> None:
    found = take(
        filled(
            "| 1 | Send the list | Ada@Example.com | 2026-11-27 | us |",
            "|2|Name \\| an \\*administrator\\*|||customer|",
            "|  |  |  |  |  |",
            "| 7 | Agree on = a date | | 2026-11-20 | Both",
        ),
        TODAY,
    )
    assert [(a.number, a.text, a.owner, a.due, a.audience) for a in found.actions] == [
        (1, "Send the list", "ada@example.com", date(2026, 11, 27), "internal"),
        (2, "Name | an *administrator*", "", None, "customer"),
        (7, "Agree on = a date", "", date(2026, 11, 20), "both"),
    ]


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=60))
def test_every_printable_text_comes_back_from_a_table_as_it_went_in(text: str) -> None:
    escaped = "".join("\\" + sign if sign in "\\|" else sign for sign in text)
    if text == "–":
        return  # stands for nothing
    (action,) = take(filled(f"| 1 | {escaped} |  |  |  |"), TODAY).actions
    assert action.text == text


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    told = mistakes(
        filled(
            "| x | No number |  |  |  |",
            "| 2 | Bad person | ada | | |",
            "| 3 | Bad day | | 31.12.2026 | |",
            "| 4 | Too early | | 2026-11-19 | |",
            "| 5 | Strange reader | | | everyone |",
            "| 6 | Once | | | |",
            "| 6 | Twice | | | |",
            f"| 8 | {'x' * 251} | | | |",
            "| 9 | a | b | c |",
            f"| {'9' * 5000} | Huge | | | |",
            "| 11 | bell \x07 | | | |",
        )
    )
    assert told.count("line ") == 10 + 1
    for part in ("no e-mail", "no day", "neither us", "line 34 as well", "250", "4 cells", "1 to 999"):
        assert part in told, part


def test_what_is_no_minutes_is_refused() -> None:
    assert "UTF-8" in mistakes(b"\xff\xfe\x00")
    assert "larger" in mistakes(b"x" * (LARGEST + 1))
    assert "no table" in mistakes(b"# Minutes\n")
    assert "Reference" in mistakes(filled(stub=STUB.replace("Reference: ", "Ref ")))
    assert "no day" in mistakes(filled(stub=STUB.replace("Meeting: 2026", "Meeting: ")))
    assert "not taken place" in mistakes(filled(stub=STUB.replace("Meeting: 2026", "Meeting: 2027")))
    assert f"more than {MOST}" in mistakes(filled(*(f"| {n} | Do it | | | |" for n in range(1, MOST + 2))))


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_end_otherwise_than_with_mistakes(data: bytes) -> None:
    with pytest.raises(BadMinutes):
        take(data, TODAY)
