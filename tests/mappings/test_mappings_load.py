import random

import pytest

from mappings.load import DEFAULT_MAPPINGS, Problems, load_mappings

GOOD = DEFAULT_MAPPINGS.read_text(encoding="utf-8")


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def place_of(text: str, found: str) -> tuple[int, int]:
    before = text[: text.index(found)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


CASES = {
    "broken YAML": (
        "connections: [crm, tracker, sheets]",
        "connections: [crm, tracker",
        None,
        "broken YAML",
        "Check indentation",
    ),
    "a tab": ("calendar:\n  country", "calendar:\n\tcountry", None, "broken YAML", "Check indentation"),
    "unknown key": ("  won_when:", "  won_wen:", "won_wen", "unknown key 'won_wen'", "Did you mean 'won_when'"),
    "unknown key of a field": (
        "{type: text, at: {crm: StageName}}",
        "{type: text, att: {crm: StageName}}",
        "att:",
        "unknown key 'att'",
        "Did you mean 'at'",
    ),
    "missing key": (
        "{type: text, at: {crm: StageName}}",
        "{at: {crm: StageName}}",
        "{at: {crm: StageName}}",
        "'type' is missing",
        "Add it",
    ),
    "wrong type": (
        "required: [name, account, close_date]",
        "required: 7",
        "7",
        "valid list, got 7",
        "Correct the value",
    ),
    "wrong number": (
        "field: Tasks_Done__c, digits: 0",
        "field: Tasks_Done__c, digits: two",
        "two",
        "integer",
        "Correct",
    ),
    "unknown transform": (
        "timeoriginalestimate, transform: hours_from_seconds",
        "timeoriginalestimate, transform: hours",
        "hours}",
        "'hours' is not allowed here",
        "'hours_from_seconds'",
    ),
    "transform that does not fit": (
        "field: Done, transform: checkbox,",
        "field: Done, transform: percent,",
        "percent, true",
        "does not fit a field of type 'choice'",
        "checkbox",
    ),
    "option of another transform": (
        "{field: Owner, column",
        "{field: Owner, separator: ',', expression: native, column",
        "expression",
        "'expression' means nothing to transform 'user'",
        "Remove it",
    ),
    "constant that is read": (
        "tracker: summary\n          sheets: {field: name, truncate: 50}\n      target_launch: {type: date, at: {tracker: duedate}}",
        "tracker: summary\n      target_launch: {type: date, at: {tracker: {field: duedate, transform: constant, value: x}}}",
        "{field: duedate",
        "transform 'constant' cannot be read back, so the map has no inverse",
        "direction: to tracker only",
    ),
    "expression that is written": (
        "{type: date, at: {tracker: duedate}}",
        "{type: date, at: {tracker: {field: duedate, transform: cel, expression: native}}}",
        "{field: duedate",
        "transform 'cel' cannot be written",
        "direction: from tracker only",
    ),
    "no inverse": (
        "in_progress: [In Progress, In Review]",
        "in_progress: [In Progress, blocked]",
        "Blocked\n              done",
        "'Blocked' stands for both 'in_progress' and 'blocked', so the map has no inverse",
        "Keep it under one",
    ),
    "value without a word": (
        "Not started, in_progress: In progress, blocked: Blocked, done: Done, cancelled: Cancelled}",
        "Not started, in_progress: In progress, done: Done, cancelled: Cancelled}",
        "{not_started: Not started",
        "nothing to write for blocked",
        "Give each",
    ),
    "value that does not exist": (
        "true: done, false: in_progress",
        "true: don, false: in_progress",
        "don, false",
        "'don' is none of the values",
        "Did you mean 'done'",
    ),
    "authority unknown": (
        "authority: [sheets, tracker]",
        "authority: [sheet, tracker]",
        "sheet, tracker",
        "there is no connection 'sheet'",
        "Did you mean 'sheets'",
    ),
    "authority missing": (
        "        authority: [sheets, tracker]\n",
        "",
        "type: date\n        at:\n          tracker: customfield_10015",
        "nothing says which of them wins",
        "Add `authority: [tracker, sheets]`",
    ),
    "direction unknown": (
        "direction: from ledger only",
        "direction: from leger only",
        "from leger only",
        "there is no connection 'leger'",
        "Did you mean 'ledger'",
    ),
    "direction malformed": (
        "direction: from ledger only",
        "direction: one-way",
        "one-way",
        "'one-way' has not the right form",
        "from crm only",
    ),
    "connection unknown": (
        "customer: [sheets]",
        "customer: [smartsheet]",
        "smartsheet",
        "there is no connection 'smartsheet'",
        "Did you mean 'sheets'",
    ),
    "virtual connection as a home": (
        "customer: [sheets]",
        "customer: [ledger]",
        "ledger",
        "there is no connection 'ledger'",
        "Use one of: crm, sheets, tracker",
    ),
    "CEL syntax": (
        "won_when: deal.won",
        "won_when: deal.won &&",
        "deal.won &&",
        "no valid CEL expression",
        "Correct the expression",
    ),
    "CEL variable": ("won_when: deal.won", "won_when: dael.won", "dael.won", "unknown variable 'dael'", "'deal'"),
    "CEL field": ("won_when: deal.won", "won_when: deal.wonn", "deal.wonn", "no field 'wonn'", "Did you mean 'won'"),
    "CEL line field": (
        "won_when: deal.won",
        "won_when: lines.exists(x, x.famly == 'Voice')",
        "lines.exists",
        "a line has no field 'famly'",
        "Did you mean 'family'",
    ),
    "CEL function": (
        "won_when: deal.won",
        "won_when: deal.name.startWith('A')",
        "deal.name",
        "unknown function 'startWith'",
        "Did you mean 'startsWith'",
    ),
    "CEL types": (
        "won_when: deal.won",
        "won_when: deal.amount * 2 > 10.0",
        "deal.amount",
        "mixes types",
        "write 2.0, not 2",
    ),
    "required field unknown": (
        "required: [name, account, close_date]",
        "required: [name, acount, close_date]",
        "acount",
        "deals have no field 'acount'",
        "Did you mean 'account'",
    ),
    "duplicate key": (
        "calendar:\n  country: US",
        "calendar:\n  country: US\n  country: DE",
        "country: DE",
        "'country' stands here twice",
        "Keep one",
    ),
    "country unknown": ("  country: US", "  country: Holland", "country: Holland", "country 'Holland'", "ISO code"),
    "person without e-mail": ("ada@example.com:", "ada:", "ada:", "'ada' is no e-mail address", "Write"),
    "same id twice": (
        "{tracker: 5b10a2844c20165700ede22h}",
        "{tracker: 5b10a2844c20165700ede21g}",
        "5b10a2844c20165700ede21g}\n    cleo",
        "belongs to somebody else",
        "Correct one",
    ),
    "reserved field": (
        "      service_date: {type: date",
        "      label: {type: text, at: {crm: Label__c}}\n      service_date: {type: date",
        "label: {type",
        "'label' is Closedwon's own word",
        "another name",
    ),
    "reserved name": (
        "connections: [crm,",
        "connections: [ledger, crm,",
        "ledger",
        "Closedwon's own word",
        "another name",
    ),
    "choice without values": (
        "        values: [internal, customer, both]\n",
        "",
        "type: choice\n        direction: from engine only\n        at:\n          tracker: {field: customfield_10051",
        "a choice without values",
        "under `values`",
    ),
    "two fields into one": (
        "start_target:\n        type: date\n        authority: [sheets, tracker]\n        at:\n          tracker: customfield_10015",
        "start_target:\n        type: date\n        authority: [sheets, tracker]\n        at:\n          tracker: duedate",
        "duedate\n          sheets: {field: Due",
        "written by start_target and due_target",
        "Map it to one",
    ),
    "two primary columns": (
        "column: {type: CONTACT_LIST}",
        "column: {type: CONTACT_LIST, primary: true}",
        "name:\n        type: text\n        required",
        "2 columns at sheets are primary",
        "exactly one",
    ),
    "deals at two connections": (
        "at: {crm: StageName}",
        "at: {sheets: StageName}",
        "direction: from crm only",
        "deals are read at crm and sheets",
        "one connection",
    ),
    "no close date": (
        "      close_date: {type: date, at: {crm: CloseDate}}\n",
        "",
        "name: {type: text, at: {crm: Name}}",
        "deals have no `close_date`",
        "Map it",
    ),
    "date that is none": ("days_off: []", "days_off: [2026-02-31]", "2026-02-31", "cannot be read", "Correct it"),
}


@pytest.mark.parametrize(("old", "new", "at", "what", "repair"), CASES.values(), ids=CASES)
def test_a_mistake_is_shown_at_its_place_with_what_to_do(mistakes_in, old, new, at, what, repair):
    text = changed(old, new)
    found = [m for m in mistakes_in(text) if what in m.what]
    assert found, mistakes_in(text)
    assert repair in found[0].repair
    if at:
        assert (found[0].line, found[0].column) == place_of(text, at)


def test_the_shipped_file_has_no_mistakes(mistakes_in):
    assert mistakes_in(GOOD) == []


def test_all_mistakes_of_a_file_come_in_one_report_in_the_order_of_the_file(mistakes_in):
    text = GOOD
    pairs = [
        ("version: 1", "version: 2"),
        ("won_when: deal.won", "won_when: deal.wonn"),
        ("  country: US", "  county: US"),
        ("customer: [sheets]", "customer: [shets]"),
        ("authority: [sheets, tracker]", "authority: [sheetz, tracker]"),
        ("transform: checkbox", "transform: chekbox"),
        ("{type: date, at: {tracker: duedate}}", "{type: day, at: {tracker: duedate}}"),
        ("blocked: Blocked\n", "blocked: Done\n"),
    ]
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    mistakes = mistakes_in(text)
    assert len(mistakes) == len(pairs), "\n".join(map(str, mistakes))
    assert [m.line for m in mistakes] == sorted(m.line for m in mistakes)


@pytest.mark.parametrize("key", ["version", "connections", "audiences", "objects"])
def test_a_missing_part_is_one_mistake_and_not_a_flood(mistakes_in, key):
    sections = GOOD.split("\n\n")
    text = "\n\n".join(s for s in sections if not any(line.startswith(f"{key}:") for line in s.splitlines()))
    if key in {"version", "connections"}:
        text = "\n".join(line for line in GOOD.splitlines() if not line.startswith(f"{key}:"))
    if key == "objects":
        text = GOOD[: GOOD.index("\nobjects:")]
    mistakes = mistakes_in(text)
    assert [m.what for m in mistakes] == [f"{key!r} is missing"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "the file cannot be read: No such file"),
        (b"", "the file is empty"),
        (b"# only a comment\n", "the file is empty"),
        (b"\xff\xfe\x00", "no UTF-8"),
        (b"just text", "does not consist of `key: value` lines"),
        (b"- 1\n- 2\n", "does not consist of `key: value` lines"),
        (b"a: \x07", "broken YAML"),
        (b"a: *nowhere", "broken YAML"),
        (b"a: &a {b: *a}", "stands inside its own anchor"),
    ],
)
def test_a_file_that_is_no_mapping_file_is_refused_in_words(tmp_path, content, what):
    path = tmp_path / "m.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Problems) as problems:
        load_mappings(path)
    assert what in str(problems.value)
    assert str(path) in str(problems.value)


def test_a_message_reads_file_line_column_what_and_what_to_do(mistakes_in):
    (mistake,) = mistakes_in(changed("won_when: deal.won", "won_when: deal.wonn"))
    assert str(mistake).endswith("mappings.yaml:9:13: a deal has no field 'wonn'. Did you mean 'won'?")


def test_only_to_and_only_from_set_who_reads_and_who_writes(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(
        changed(
            "{type: date, at: {tracker: duedate}}",
            "{type: date, direction: to tracker only, at: {tracker: duedate, sheets: x}}",
        )
    )
    (tracker, sheets) = load_mappings(path).plan.rule("target_launch").lenses
    assert (tracker.reads, tracker.writes) == (False, True)
    assert (sheets.reads, sheets.writes) == (True, True)


def test_a_field_written_once_is_left_to_people_and_not_read_back(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(
        changed("{type: date, at: {tracker: duedate}}", "{type: date, at: {tracker: {field: duedate, once: true}}}")
    )
    (lens,) = load_mappings(path).plan.rule("target_launch").lenses
    assert (lens.reads, lens.writes, lens.once) == (False, True, True)


@pytest.mark.parametrize("seed", range(60))
def test_a_file_spoilt_at_random_gives_mistakes_or_works_and_never_anything_else(mistakes_in, seed):
    dice = random.Random(seed)
    lines = GOOD.splitlines()
    for _ in range(dice.randint(1, 6)):
        number = dice.randrange(len(lines))
        spoil = dice.choice(["drop", "double", "value", "indent", "cut", "list"])
        line = lines[number]
        if spoil == "drop":
            lines[number] = ""
        elif spoil == "double":
            lines.insert(number, line)
        elif spoil == "value":
            lines[number] = line.split(":")[0] + ": " + dice.choice(["7", "[]", "{}", "true", "2026-01-01", "~", "x y"])
        elif spoil == "indent":
            lines[number] = "  " + line
        elif spoil == "cut":
            lines[number] = line[: dice.randint(0, len(line))]
        else:
            lines[number] = line.replace("{", "[").replace("}", "]")
    for mistake in mistakes_in("\n".join(lines)):
        assert 1 <= mistake.line <= len(lines) + 1
        assert mistake.what
        assert mistake.repair
