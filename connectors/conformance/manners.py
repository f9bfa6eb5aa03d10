"""Sentences on manners: waits when told to, signs in once, keeps secrets, shares itself between threads, closes."""

# ruff: noqa: D103 - the name of a sentence is what it says, as with tests

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime
from itertools import islice

from connectors.base import Capability, Failed, Finding, Kind, Level, PlanRefs, Written
from connectors.conformance.bench import Bench, equal, expect
from connectors.conformance.rig import At, Break
from connectors.conformance.suite import sentence
from connectors.errors import ConnectorError, NotAuthorised, TryLater, Unknown

ASKED = 7.0
"""Seconds that a vendor asks us to wait for."""
UNTOLD = ("", "soon", "-5", "inf")
"""Retry-Afters that say nothing; "" stands for none at all."""
THREADS = 8


def _told(bench: Bench) -> list[str]:
    """Return Retry-After in the forms that ask for ASKED seconds, from now on."""
    return ["7", "7.0", format_datetime(bench.rig.now() + timedelta(seconds=ASKED), usegmt=True)]


@sentence()
def a_read_waits_as_long_as_the_vendor_asks(bench: Bench) -> None:
    (made,) = bench.made(bench.rig.keyed[-1])
    for number in range(3):
        began = bench.rig.now()
        bench.rig.break_next(Break.RATE_LIMIT, At.READ, retry_after=_told(bench)[number])
        waited = _waited(bench, lambda: bench.look(made), began)
        # An HTTP date has whole seconds.
        expect(ASKED - 1 <= waited < ASKED + 60, f"asked to wait {ASKED} s, a read waits {waited} s")


@sentence()
def a_wait_that_the_vendor_does_not_tell_is_neither_none_nor_endless(bench: Bench) -> None:
    (made,) = bench.made(bench.rig.keyed[-1])
    past = format_datetime(bench.rig.now() - timedelta(days=1), usegmt=True)
    for form in (*UNTOLD, past):
        began = bench.rig.now()
        bench.rig.break_next(Break.RATE_LIMIT, At.READ, retry_after=form or None)
        waited = _waited(bench, lambda: bench.look(made), began)
        expect(0 < waited <= 3600, f"after a limit with Retry-After {form!r} a read waits {waited} s")  # noqa: PLR2004


def _waited(bench: Bench, read: Callable[[], object], began: datetime) -> float:
    """Return how long a read waited, or asked its caller to wait."""
    asked = 0.0
    try:
        read()
    except TryLater as error:
        asked = error.delay
    finally:
        bench.rig.heal()
    return asked + (bench.rig.now() - began).total_seconds()


@sentence()
def a_write_that_met_a_limit_is_made_once(bench: Bench) -> None:
    for kind in bench.rig.keyed:
        bench.made(kind)
        for form in (*_told(bench), *UNTOLD):
            (write,) = bench.fresh(kind)
            mark = bench.connector.mark()
            bench.rig.break_next(Break.RATE_LIMIT, At.CREATE, retry_after=form or None)
            (result,) = bench.write([write])
            bench.rig.heal()
            if isinstance(result, Failed):
                expect(isinstance(result.error, TryLater | Unknown), f"a limit is answered with {result.error!r}")
                bench.once(write, times=0)
                equal(bench.find(write, mark), [], "what is found of a write that met a limit")
                bench.done([write])
            bench.once(write)


@sentence()
def a_long_wait_is_handed_to_the_caller(bench: Bench) -> None:
    (made,) = bench.made(bench.rig.keyed[-1])
    began = bench.rig.now()
    bench.rig.break_next(Break.RATE_LIMIT, At.READ, retry_after="1800")
    try:
        bench.look(made)
    except TryLater as error:
        expect(error.delay >= 1800, f"asked to wait half an hour, the caller is told {error.delay} s")  # noqa: PLR2004
        slept = (bench.rig.now() - began).total_seconds()
        expect(slept < 600, f"{slept} s were slept through, while others could have gone on")  # noqa: PLR2004
    else:
        expect(condition=False, why="half an hour was slept through, while others could have gone on")


@sentence()
def an_expired_sign_in_is_renewed_once_or_told(bench: Bench) -> None:
    (made,) = bench.made(bench.rig.keyed[-1])
    before = bench.rig.sign_ins()
    bench.rig.break_next(Break.SIGNED_OUT_ONCE, At.READ)
    try:
        seen, calls = bench.cost(lambda: bench.look(made))
        expect(len(seen) == 1, "after a sign-in expired, a read shows less")
        expect(calls <= 3, f"a read with an expired sign-in takes {calls} calls")  # noqa: PLR2004 - 401, again, a page
    except NotAuthorised:
        pass
    finally:
        bench.rig.heal()
    expect(bench.rig.sign_ins() - before <= 1, f"one expired sign-in was renewed {bench.rig.sign_ins() - before} times")


@sentence()
def credentials_that_are_refused_are_told_and_not_tried_for_ever(bench: Bench) -> None:
    kind = bench.rig.keyed[-1]
    (made,) = bench.made(kind)
    (write,) = bench.fresh(kind)
    signed = bench.rig.sign_ins()
    bench.rig.break_next(Break.SIGNED_OUT)
    _, calls = bench.cost(lambda: _not_authorised(bench, lambda: bench.look(made)))
    error = bench.failure(write)
    tried = bench.rig.sign_ins() - signed
    bench.rig.heal()
    expect(calls <= 4 and tried <= 6, f"refused credentials were tried {calls} + {tried} times")  # noqa: PLR2004
    expect(isinstance(error, NotAuthorised), f"a write with refused credentials is answered with {error!r}")
    bench.once(write, times=0)


def _not_authorised(bench: Bench, read: Callable[[], object]) -> None:
    try:
        read()
    except NotAuthorised as error:
        expect(error.code and error.message, "NotAuthorised says nothing to the operator")
        return
    finally:
        del bench
    expect(condition=False, why="a read with refused credentials is answered, as if all were well")


# --- secrets


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Collect every line that any logger writes, down to DEBUG."""
    lines: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    root, ear = logging.getLogger(), Ear(logging.DEBUG)
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(ear)
        root.setLevel(level)


def _shown(thing: object, depth: int = 6) -> Iterator[str]:
    """Yield the texts that an error tracker could show of an exception: its chain, and what all of it holds."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, bytes):
        yield thing.decode("utf-8", "replace")
    elif depth and isinstance(thing, Mapping):
        for key, value in list(thing.items()):
            yield from (*_shown(key, depth - 1), *_shown(value, depth - 1))
    elif depth and isinstance(thing, list | tuple | set | frozenset):
        for value in thing:
            yield from _shown(value, depth - 1)
    elif depth and not isinstance(thing, type) and not callable(thing):
        yield repr(thing)
        if isinstance(thing, BaseException):
            yield "".join(traceback.format_exception(thing))
            yield from _shown([thing.args, thing.__cause__, thing.__context__], depth)
        yield from _shown(getattr(thing, "__dict__", {}), depth - 1)


@sentence()
def no_secret_is_in_any_error_log_line_repr_or_note(bench: Bench) -> None:
    kind = bench.rig.keyed[-1]
    with _listening() as lines:
        texts = lines
        (made,) = bench.made(kind)
        texts += [repr(bench.connector), str(bench.connector)]
        for how in Break:
            for at in At:
                bench.rig.break_next(how, at)
                for error in _errors(bench, made):
                    texts += _shown(error)
                bench.rig.heal()
        texts += [repr(finding) for finding in bench.connector.check()]
        texts += [f"{key} {value}" for key, value in bench.rig.notes().items()]
    for secret in bench.rig.secrets():
        seen = next((text for text in texts if secret in text), "")
        # Not the text itself, which would put the secret into one more place.
        expect(not seen, f"the secret that begins with {secret[:3]!r} is shown in a text of {len(seen)} characters")


def _errors(bench: Bench, made: Written) -> Iterator[Exception]:
    """Read and write once, and yield what went wrong."""
    plain = bench.plain(made.write.kind)
    change = made.write if made.write.kind is Kind.ONBOARDING else bench.update(made, plain)
    try:
        yield from (result.error for result in bench.connector.write([change]) if isinstance(result, Failed))
        bench.look(made)
        list(islice(bench.connector.inventory(), 3))
    except Exception as error:  # noqa: BLE001 - of whatever sort, it is shown to somebody
        yield error


# --- being shared, described, checked and closed


@sentence()
def eight_threads_share_a_connector(bench: Bench) -> None:
    kind = bench.rig.keyed[-1]
    batches = [bench.fresh(kind, 3) for _ in range(THREADS)]

    def work(number: int) -> list[Written]:
        results = list(bench.connector.write(batches[number]))
        written = [result for result in results if isinstance(result, Written)]
        for one in written:
            expect(len(bench.look(one, "0")) == 1, f"{one.ref} is not read back in the thread that wrote it")
        return written

    with ThreadPoolExecutor(THREADS) as pool:
        written = [one for group in pool.map(work, range(THREADS)) for one in group]
    equal(len(written), 3 * THREADS, "writes done by eight threads")
    for one in written:
        bench.once(one.write)


@sentence()
def it_describes_the_fields_that_the_mapping_uses(bench: Bench) -> None:
    schema = bench.connector.describe()
    for kind, names in bench.rig.fields.items():
        if not names:
            continue
        expect(kind in schema.objects, f"the schema says nothing of {kind}")
        known = {field.name for field in schema.objects[kind]}
        equal(set(names) - known, set(), f"fields of {kind} which the schema does not have")


@sentence()
def a_check_finds_nothing_wrong_where_nothing_is(bench: Bench) -> None:
    findings = list(bench.connector.check())
    expect(findings and all(isinstance(finding, Finding) for finding in findings), f"a check yields {findings!r}")
    wrong = [finding for finding in findings if finding.level is Level.ERROR]
    expect(not wrong, f"a check of a good connection finds {wrong[:1]!r}")


@sentence()
def a_check_of_a_vendor_that_fails_is_a_finding_and_raises_nothing(bench: Bench) -> None:
    for how in (Break.DOWN, Break.SIGNED_OUT):
        bench.restart(forget=True)
        bench.rig.break_next(how)
        findings = list(bench.connector.check())
        bench.rig.heal()
        wrong = [finding for finding in findings if finding.level is Level.ERROR]
        expect(wrong, f"a check of a vendor that is {how} finds nothing wrong")
        expect(all(finding.code and finding.repair for finding in wrong), f"a finding has no repair: {wrong[0]!r}")


@sentence()
def an_error_tells_the_operator_what_to_do(bench: Bench) -> None:
    (made,) = bench.made(bench.rig.keyed[-1])
    bench.rig.break_next(Break.DOWN)
    try:
        bench.look(made)
    except ConnectorError as error:
        expect(error.code == error.code.upper() and "-" in error.code, f"{error.code!r} is no stable code")
        expect(error.message.rstrip().endswith("."), f"{error.message!r} is no sentence")
    finally:
        bench.rig.heal()


@sentence()
def closing_twice_does_no_harm(bench: Bench) -> None:
    bench.connector.close()
    bench.connector.close()


@sentence()
def a_connector_says_who_it_is(bench: Bench) -> None:
    expect(bench.connector.name, "a connector without a name")
    expect(bench.connector.capabilities, "a connector that can do nothing")
    expect(all(isinstance(one, Capability) for one in bench.connector.capabilities), "a capability of its own making")
    if Capability.TASKS in bench.connector.capabilities:
        plan = bench.plan()
        seen = [record.kind for record in bench.connector.fetch([PlanRefs(plan)])]
        equal(seen, [Kind.PLAN], "what an empty plan shows")
