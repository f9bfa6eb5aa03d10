"""The suite can fail: each of these bad connectors breaks just the sentences that speak of its fault."""

from __future__ import annotations

import functools
import inspect
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import SkipTest

import bad_hearers
import bad_readers
import bad_writers
import pytest
from pocket_connector import PocketConnector
from pocket_rig import PocketRig
from pocket_vendor import TOKEN, Pocket

from connectors.base import Capability, Connector, DealQuery, Deals, Kind, TimeChanges, TimeEntry
from connectors.conformance import SENTENCES, At, ConnectorConformance, examine

ROOT = Path(__file__).parents[2]

BROKEN_BY: dict[type[PocketConnector], set[str]] = {
    bad_writers.RepeatsWhatMayHaveLanded: {
        "a_broken_batch_is_settled_record_by_record",
        "a_commit_that_comes_late_is_found_once_it_came",
        "a_commit_whose_answer_was_lost_is_unknown_then_found_and_never_doubled",
        "a_process_that_forgot_all_makes_no_double_beside_what_it_finds",
    },
    bad_writers.SaysUndoneWhatWasDone: {"nothing_is_said_to_be_undone_that_was_done"},
    bad_writers.SaysRefusedWhereTheAnswerWasLost: {
        "a_commit_that_comes_late_is_found_once_it_came",
        "a_commit_whose_answer_was_lost_is_unknown_then_found_and_never_doubled",
        "a_process_that_forgot_all_makes_no_double_beside_what_it_finds",
        "a_read_that_breaks_once_is_made_again",
        "a_write_that_never_arrived_is_not_found_and_can_be_made",
        "nothing_is_said_to_be_undone_that_was_done",
    },
    bad_writers.RaisesFromWrite: {
        "a_broken_batch_is_settled_record_by_record",
        "a_commit_that_comes_late_is_found_once_it_came",
        "a_commit_whose_answer_was_lost_is_unknown_then_found_and_never_doubled",
        "a_process_that_forgot_all_makes_no_double_beside_what_it_finds",
        "a_write_that_never_arrived_is_not_found_and_can_be_made",
        "credentials_that_are_refused_are_told_and_not_tried_for_ever",
        "nothing_is_said_to_be_undone_that_was_done",
        "writes_never_raise_whatever_the_vendor_does",
    },
    bad_writers.ForgetsToTellOfARefusal: {
        "a_refused_record_costs_the_others_nothing",
        "an_update_of_a_vanished_record_fails_alone_and_raises_nothing",
        "every_write_gets_one_result_and_nothing_else_does",
    },
    bad_writers.RefusesABatchForOneRecord: {
        "a_refused_record_costs_the_others_nothing",
        "every_write_gets_one_result_and_nothing_else_does",
    },
    bad_writers.TakesAnyKind: {"a_write_that_the_vendor_has_no_place_for_is_refused"},
    bad_writers.TellsEveryRefusalTwice: {
        "a_broken_batch_is_settled_record_by_record",
        "a_refused_record_costs_the_others_nothing",
        "an_update_of_a_vanished_record_fails_alone_and_raises_nothing",
        "every_write_gets_one_result_and_nothing_else_does",
        "writes_never_raise_whatever_the_vendor_does",
    },
    bad_writers.SendsOneByOne: {"a_batch_costs_fewer_calls_than_its_records", "the_price_is_what_creates_then_cost"},
    bad_writers.CallsForNothing: {"nothing_asked_costs_no_call"},
    bad_writers.PricesByAsking: {"the_price_is_what_creates_then_cost"},
    bad_writers.MakesOneRecordForAll: {
        "a_create_makes_exactly_one_record",
        "a_vanished_plan_costs_the_others_nothing",
        "a_vanished_task_yields_less_and_no_error",
        "an_update_of_a_vanished_record_fails_alone_and_raises_nothing",
        "tasks_of_several_plans_are_read_together",
    },
    bad_writers.EmptiesWhatItWasNotAskedTo: {"an_update_changes_only_the_fields_that_it_names"},
    bad_writers.TripsOverAVanishedRecord: {
        "an_update_of_a_record_that_never_was_fails_and_raises_nothing",
        "an_update_of_a_vanished_record_fails_alone_and_raises_nothing",
    },
    bad_writers.MakesAnewWhatVanished: {
        "an_update_of_a_record_that_never_was_fails_and_raises_nothing",
        "an_update_of_a_vanished_record_fails_alone_and_raises_nothing",
    },
    bad_writers.FindsByTheIndex: {"find_sees_what_no_index_shows_yet"},
    bad_writers.FindsOneOfTwo: {"find_returns_every_double"},
    bad_writers.FindsWhatNobodyWants: {
        "a_broken_batch_is_settled_record_by_record",
        "a_commit_that_comes_late_is_found_once_it_came",
        "a_commit_whose_answer_was_lost_is_unknown_then_found_and_never_doubled",
        "a_process_that_forgot_all_makes_no_double_beside_what_it_finds",
        "a_write_that_never_arrived_is_not_found_and_can_be_made",
        "find_returns_nothing_that_was_not_wanted",
        "nothing_asked_costs_no_call",
    },
    bad_writers.FindsOnlyWhatItRemembers: {
        "a_mark_from_before_is_enough_for_a_process_that_forgot_all_else",
        "a_process_that_forgot_all_makes_no_double_beside_what_it_finds",
    },
    bad_writers.CountsADoubleOnce: {"the_inventory_lists_every_record_of_ours_and_every_double"},
    bad_writers.CountsForeignRecordsToo: {"the_inventory_lists_every_record_of_ours_and_every_double"},
    bad_writers.CountsOnlyWhatItRemembers: {"the_inventory_of_a_process_that_forgot_all_is_the_same"},
    bad_writers.ShowsMoreThanItSays: {
        "an_update_changes_only_the_fields_that_it_names",
        "updated_values_come_back_as_normalise_says",
        "written_values_come_back_as_normalise_says",
    },
    bad_writers.NormalisesForEver: {"what_is_normal_stays_as_it_is", "what_is_read_is_normal"},
    bad_writers.ReadsBooleansAsNumbers: {
        "updated_values_come_back_as_normalise_says",
        "written_values_come_back_as_normalise_says",
    },
    bad_writers.ReadsDifferentlyEachTime: {
        "a_read_that_breaks_once_is_made_again",
        "half_an_answer_or_a_page_instead_is_never_taken_for_the_whole",
        "reading_twice_shows_the_same",
        "the_inventory_of_a_process_that_forgot_all_is_the_same",
    },
    bad_readers.TakesSilenceForAnEmptyAnswer: {
        "a_check_of_a_vendor_that_fails_is_a_finding_and_raises_nothing",
        "a_read_from_a_vendor_that_is_down_raises_and_never_shows_less",
        "a_stream_that_breaks_in_the_middle_raises_and_never_just_ends",
    },
    bad_readers.NeverTriesAgain: {"a_read_that_breaks_once_is_made_again"},
    bad_readers.ShowsHalfWhenCut: {
        "a_read_from_a_vendor_that_is_down_raises_and_never_shows_less",
        "a_read_that_breaks_once_is_made_again",
        "half_an_answer_or_a_page_instead_is_never_taken_for_the_whole",
        "nothing_is_said_to_be_undone_that_was_done",
    },
    bad_readers.StumblesOverAVanishedTask: {
        "a_tasks_container_is_its_plan",
        "a_vanished_plan_costs_the_others_nothing",
        "a_vanished_task_yields_less_and_no_error",
        "what_never_was_yields_nothing",
    },
    bad_readers.ReadsOnePageOfDeals: {"deals_by_date_come_all_once_and_in_order"},
    bad_readers.EndsQuietlyInTheMiddle: {"a_stream_that_breaks_in_the_middle_raises_and_never_just_ends"},
    bad_readers.LeavesMovedTimeWhereItWas: {
        "logged_time_adds_up_through_edits_moves_and_deletes",
        "time_entries_read_in_full_are_what_the_vendor_holds",
    },
    bad_readers.CountsAPageForTheTotal: {"deals_by_date_come_all_once_and_in_order"},
    bad_readers.AsksForWonDealsOnly: {"deals_by_id_come_all_whether_won_or_not"},
    bad_readers.LeavesLinksAndLinesOut: {
        "a_deal_tells_of_the_onboarding_that_the_vendor_holds_for_it",
        "deals_by_date_come_all_once_and_in_order",
        "deals_by_id_come_all_whether_won_or_not",
    },
    bad_readers.LooksForOneTextAtATime: {"looking_for_many_texts_costs_few_calls"},
    bad_readers.FindsOnlyItsOwn: {"a_plan_that_others_made_is_found_by_its_text_with_what_is_in_it"},
    bad_readers.TakesOverWithoutAKey: {
        "taking_over_twice_changes_nothing",
        "what_is_taken_over_carries_our_key_and_keeps_what_people_wrote",
    },
    bad_readers.WritesOverWhatPeopleWrote: {"what_is_taken_over_carries_our_key_and_keeps_what_people_wrote"},
    bad_readers.TakesOverByMakingAnother: {"taking_over_twice_changes_nothing"},
    bad_readers.DoesWhatItDoesNotDeclare: {"what_a_connector_does_not_declare_it_does_not_do"},
    bad_readers.LosesWhatShowsLate: {"an_edit_between_two_looks_is_never_lost_however_feeds_lag"},
    bad_readers.TellsAnEditOnlyOnce: {"a_persons_edit_is_told_until_its_cursor_is_kept_and_then_no_more"},
    bad_readers.TellsEverythingForEver: {
        "a_persons_edit_is_told_until_its_cursor_is_kept_and_then_no_more",
        "no_news_costs_one_call_and_touches_nothing",
        "what_we_write_ourselves_is_news_once_at_most",
    },
    bad_readers.SweepsInTwoCalls: {"no_news_costs_one_call_and_touches_nothing"},
    bad_readers.TakesAnEditForItsOwn: {"an_edit_beside_a_write_of_ours_is_told"},
    bad_readers.TellsDeletedDealsAsTheyWere: {"a_deleted_deal_is_told_as_deleted"},
    bad_readers.TellsOfNoDeals: {"a_deleted_deal_is_told_as_deleted", "changed_deals_come_as_they_are_now"},
    bad_readers.ForgetsDeletedTime: {"logged_time_adds_up_through_edits_moves_and_deletes"},
    bad_readers.KnowsNoContainers: {"a_tasks_container_is_its_plan"},
    bad_readers.KeepsDeletedTime: {"time_entries_read_in_full_are_what_the_vendor_holds"},
    bad_readers.SkipsTimeThatShowsLate: {"time_logged_between_two_looks_is_never_lost"},
    bad_readers.ReadsTimeEntryByEntry: {"no_new_time_costs_two_calls"},
    bad_readers.DoesNotListenToLimits: {
        "a_long_wait_is_handed_to_the_caller",
        "a_read_waits_as_long_as_the_vendor_asks",
    },
    bad_readers.BelievesAnyRetryAfter: {"a_wait_that_the_vendor_does_not_tell_is_neither_none_nor_endless"},
    bad_readers.SleepsThroughAnything: {"a_long_wait_is_handed_to_the_caller"},
    bad_readers.GivesUpAtALimit: {
        "a_long_wait_is_handed_to_the_caller",
        "a_read_waits_as_long_as_the_vendor_asks",
        "a_wait_that_the_vendor_does_not_tell_is_neither_none_nor_endless",
        "a_write_that_met_a_limit_is_made_once",
    },
    bad_readers.SignsInForEver: {"credentials_that_are_refused_are_told_and_not_tried_for_ever"},
    bad_readers.TakesAStrangersAnswer: {
        "a_check_of_a_vendor_that_fails_is_a_finding_and_raises_nothing",
        "an_expired_sign_in_is_renewed_once_or_told",
        "credentials_that_are_refused_are_told_and_not_tried_for_ever",
    },
    bad_readers.LeaksByItsMessage: {"no_secret_is_in_any_error_log_line_repr_or_note"},
    bad_readers.LeaksByItsChain: {"no_secret_is_in_any_error_log_line_repr_or_note"},
    bad_readers.LeaksByItsLog: {"no_secret_is_in_any_error_log_line_repr_or_note"},
    bad_readers.LeaksByItsNotes: {"no_secret_is_in_any_error_log_line_repr_or_note"},
    bad_readers.LeaksByItsRepr: {"no_secret_is_in_any_error_log_line_repr_or_note"},
    bad_readers.BelongsToOneThread: {"eight_threads_share_a_connector"},
    bad_readers.DescribesHalf: {"it_describes_the_fields_that_the_mapping_uses"},
    bad_readers.ChecksByRaising: {"a_check_of_a_vendor_that_fails_is_a_finding_and_raises_nothing"},
    bad_readers.ChecksWithoutLooking: {
        "a_check_finds_nothing_wrong_where_nothing_is",
        "a_check_of_a_vendor_that_fails_is_a_finding_and_raises_nothing",
    },
    bad_readers.SaysNothingToTheOperator: {"an_error_tells_the_operator_what_to_do"},
    bad_readers.ClosesOnce: {"closing_twice_does_no_harm"},
    bad_readers.ShowsNoPlans: {
        "a_connector_says_who_it_is",
        "a_vanished_plan_costs_the_others_nothing",
        "an_update_changes_only_the_fields_that_it_names",
        "reading_twice_shows_the_same",
        "updated_values_come_back_as_normalise_says",
        "what_is_read_is_normal",
        "written_values_come_back_as_normalise_says",
        "what_is_taken_over_carries_our_key_and_keeps_what_people_wrote",
    },
    **bad_hearers.BROKEN_BY,
}


class TestPocket(ConnectorConformance):
    """What a third party writes."""

    @pytest.fixture
    def rig(self) -> PocketRig:
        return PocketRig()


def test_a_good_connector_keeps_every_sentence() -> None:
    found = examine(PocketRig)
    assert (found.broken, found.not_asked) == ({}, [])
    assert found.kept == [sentence.name for sentence in SENTENCES]


@pytest.mark.parametrize("bad", BROKEN_BY, ids=lambda bad: bad.__name__)
def test_a_bad_connector_breaks_the_sentences_that_speak_of_its_fault_and_no_others(bad: type[PocketConnector]) -> None:
    found = examine(functools.partial(PocketRig, bad))
    assert set(found.broken) == BROKEN_BY[bad], found.broken


def test_every_sentence_has_a_bad_connector_that_breaks_it() -> None:
    assert {sentence.name for sentence in SENTENCES} == set().union(*BROKEN_BY.values())


def test_every_bad_connector_is_among_the_expectations() -> None:
    classes = [one for module in (bad_hearers, bad_readers, bad_writers) for one in vars(module).values()]
    bad = {one for one in classes if inspect.isclass(one) and issubclass(one, PocketConnector)}
    assert bad - {PocketConnector} == set(BROKEN_BY)


def test_the_reason_names_what_was_seen_and_what_is_right() -> None:
    why = examine(functools.partial(PocketRig, bad_readers.SweepsInTwoCalls)).broken
    assert why["no_news_costs_one_call_and_touches_nothing"].endswith(
        "(2, frozenset(), ()), where (1, frozenset(), ()) is right"
    )


def test_a_leaked_secret_is_not_repeated_in_the_finding() -> None:
    (why,) = examine(functools.partial(PocketRig, bad_readers.LeaksByItsMessage)).broken.values()
    assert "is shown in" in why
    assert TOKEN not in why


def test_a_sentence_is_skipped_only_for_a_capability_that_is_not_declared() -> None:
    class TasksOnly(PocketConnector):
        capabilities = frozenset({Capability.TASKS})

        def deals(self, query: DealQuery) -> Deals:
            raise NotImplementedError

        def time_changes(self, cursor: str) -> TimeChanges:
            raise NotImplementedError

        def time_entries(self, ids: Sequence[str] | None = None) -> Iterator[TimeEntry]:
            raise NotImplementedError

    class TasksOnlyRig(PocketRig):
        keyed = PocketRig.keyed[1:]

        def reopen(self) -> Connector:
            return TasksOnly(self.vendor, fields=self.fields, memory=self.memory, sleep=self.advance)

    found = examine(TasksOnlyRig)
    speaks_of_others = {one.name for one in SENTENCES if one.needs - {Capability.TASKS}}
    assert (found.broken, set(found.not_asked)) == ({}, speaks_of_others)
    for sentence in SENTENCES:
        method = getattr(ConnectorConformance, f"test_{sentence.name}")
        if sentence.name in speaks_of_others:
            with pytest.raises(SkipTest, match="does not declare"):
                method(None, TasksOnlyRig())
        else:
            method(None, TasksOnlyRig())


def test_a_connector_that_does_not_hear_is_not_asked_about_events() -> None:
    class Deaf(PocketConnector):
        def events(self) -> None:
            return None

    found = examine(functools.partial(PocketRig, Deaf))
    assert (found.broken, set(found.not_asked)) == ({}, bad_hearers.BROKEN_BY[bad_hearers.SaysNoWordBack])


def test_the_suite_needs_no_test_framework() -> None:
    seen = "import sys, connectors.conformance; print({'pytest', '_pytest', 'hypothesis'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", seen], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_pocket_vendor_answers_many_threads_one_at_a_time() -> None:
    """A vendor that trips over its callers' threads would make a good connector look bad, now and then."""
    vendor = Pocket()

    def work(thread: int) -> None:
        for number in range(200):
            key = f"{thread}.{number}"
            vendor.call(At.CREATE, TOKEN, functools.partial(vendor.add, Kind.TASK, {"state": "open"}, key=key))
            assert len(vendor.keyed(key)) == 1

    patience = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
    finally:
        sys.setswitchinterval(patience)
