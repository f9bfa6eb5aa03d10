"""What a plan's own record gets when its title moves on: what nobody touched follows, what people made of it stays."""

from __future__ import annotations

import pytest

from connectors.base import Kind
from mappings.model import ENGINE, FieldRule, Lens, ObjectMapping
from mappings.transforms import Text
from sync.core.holder import Following, follow

OLD, NEW = {"title": "Old"}, {"title": "New"}


def mapping(*, reads: bool, authority: tuple[str, ...]) -> ObjectMapping:
    lens = Lens("tracker", "summary", Text(), reads, writes=True)
    return ObjectMapping(Kind.PLAN, (FieldRule("title", "text", (lens,), authority),))


def following(rules: ObjectMapping, shown: str) -> Following:
    return follow(
        rules, "tracker", before=OLD, now=NEW, shown={"summary": shown}, view=lambda _name, _kind, fields: fields
    )


@pytest.mark.parametrize(
    ("reads", "authority", "shown", "written", "ours_wins"),
    [
        (False, (ENGINE,), "Old", {"summary": "New"}, None),
        (False, (ENGINE,), "New", {}, None),
        (False, (ENGINE,), "Theirs", {}, False),
        (True, ("tracker",), "Theirs", {}, False),
        (True, (ENGINE, "tracker"), "Theirs", {"summary": "New"}, True),
    ],
)
def test_a_name_that_people_changed_gives_way_only_where_the_mapping_puts_the_engine_first(
    *, reads: bool, authority: tuple[str, ...], shown: str, written: dict[str, str], ours_wins: bool | None
) -> None:
    found = following(mapping(reads=reads, authority=authority), shown)
    assert found.fields == written
    assert [one.ours_wins for one in found.disputed] == ([] if ours_wins is None else [ours_wins])
