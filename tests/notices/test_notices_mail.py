"""Notices by e-mail: through apprise to a real mail server on loopback, which takes them, refuses them, or is gone."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date

import pytest
from dossier_desk import task
from mail_desk import PASSWORD, mailbox
from notices_desk import Clock
from rounds_desk import RULES, SOUND, Rounds, standing

from sync.core.notices import Rung
from sync.notices.marks import KIND
from sync.notices.pauses import KIND as PAUSES
from sync.store import Store

OWNERS = replace(RULES, ladder=(Rung(1, "owner"),))
LATE = task(
    "data", date(2026, 11, 9), date(2026, 11, 13), audience="customer", owner="ben@us.com", name="Send data — für uns"
)


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # on loopback nothing is encrypted
def test_a_digest_reaches_its_reader_as_a_letter_and_is_tried_again_where_it_was_refused_or_the_server_was_gone(
    rounds: Rounds, clock: Clock, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with mailbox() as box:
        teller = rounds(rules=OWNERS, mail=box.address)
        box.unknown.add("ben@us.com")
        refused = teller.run([standing(LATE)], SOUND)
        assert (box.refused, box.taken, refused.sent, refused.refused) == (["ben@us.com"], [], [], {"mail": 1})
    clock.advance(hours=2)
    gone = teller.run([standing(LATE)], SOUND)
    assert (len(gone.failed), gone.refused) == (1, {"mail": 1})
    clock.advance(hours=2)
    with mailbox() as again:
        teller = rounds(rules=OWNERS, mail=again.address)
        assert len(teller.run([standing(LATE)], SOUND).sent) == 1
        assert teller.run([standing(LATE)], SOUND).sent == []
    ((to, letter),) = again.taken
    assert (to, letter["To"], letter["From"]) == (["ben@us.com"], "ben@us.com", "plans@us.com")
    assert letter["Subject"] == "1 task of a customer is overdue"
    body = letter.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() == "Acme: Send data — für uns, due 2026-11-13, 1 business day overdue"
    ours = "".join(record.getMessage() for record in caplog.records if record.name != "mail.log")  # the server's own
    shown = ours + repr((refused, gone, store.kept(KIND), store.kept(PAUSES), teller.__dict__))
    assert PASSWORD not in shown
