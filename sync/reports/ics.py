"""A report's dates as an iCalendar file (RFC 5545): for anybody's calendar. Called by `sync.reports.render`.

The same page gives the same bytes. An entry keeps its UID for good and its SEQUENCE grows with each change, so that a
file which is imported again moves what has moved, and adds nothing twice.
"""

from __future__ import annotations

from datetime import timedelta

import icalendar

from sync.reports.page import Dated, Page

_DAY = timedelta(days=1)


def ics(page: Page) -> bytes:
    """Return the page's dates as one calendar."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Closedwon//Reports//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", page.title)
    for each in page.dates:
        calendar.add_component(_event(each))
    return bytes(calendar.to_ical())


def _event(each: Dated) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", each.uid)
    event.add("summary", each.name)
    event.add("dtstamp", each.revised)
    event.add("last-modified", each.revised)
    event.add("sequence", each.revision)
    if each.begins is None:
        event.add("dtstart", each.start)
        event.add("dtend", each.end + _DAY)
        event.add("transp", "TRANSPARENT")
    else:
        event.add("dtstart", each.begins)
        event.add("duration", timedelta(minutes=each.minutes))
    event.add("status", "CANCELLED" if each.cancelled else "CONFIRMED")
    if each.note:
        event.add("description", each.note)
    return event
