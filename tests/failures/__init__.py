"""What can go wrong, row by row: each failure is produced for real, and nothing is lost or done twice.

Processes are killed with SIGKILL (`processes`), the line to PostgreSQL is cut at COMMIT (`proxy`), the provider's calls
and events fail as its emulator is told. `pytest tests/failures -k f07` runs a row; `test_map` checks the table.

F01 a webhook is lost
    tests/failures/test_events.py::test_f01_every_event_is_lost_and_one_look_finds_everything
F02 events come twice, in any order, days late
    tests/failures/test_events.py::test_f02_events_that_come_twice_in_any_order_and_days_late_change_each_thing_once
    tests/failures/test_events.py::test_f02_a_hundred_ways_to_shake_events_end_in_the_same
F03 an event is forged, stale or for another endpoint
    tests/failures/test_events.py::test_f03_a_forged_event_is_refused_and_nothing_of_it_is_kept
F04 a process dies before the provider has done anything
    tests/failures/test_calls.py::test_f04_a_worker_dies_before_the_provider_has_done_anything
F05 it dies when the provider has done it
    tests/failures/test_calls.py::test_f05_a_worker_dies_when_the_provider_has_done_it
    tests/failures/test_calls.py::test_f05_the_provider_keeps_an_error_under_the_key_and_what_it_did_is_looked_up
    tests/failures/test_calls.py::test_f05_the_application_dies_when_the_provider_has_done_it
    tests/failures/test_calls.py::test_f05_a_provider_that_forgets_its_keys_is_seen_to_double
F06 it dies when it has committed, before it answers
    tests/failures/test_commits.py::test_f06_the_application_dies_when_it_is_committed_and_nobody_was_told
F07 nobody knows whether it is committed
    tests/failures/test_commits.py::test_f07_the_answer_to_a_commit_is_lost_and_who_asks_again_gets_it
    tests/failures/test_commits.py::test_f07_the_line_breaks_around_a_call_and_the_provider_has_done_it_once
F08 the same is clicked twice, in two tabs, under two keys
    tests/failures/test_clicks.py::test_f08_the_same_order_again_within_seconds_is_a_second_click
    tests/failures/test_clicks.py::test_f08_every_step_clicked_in_two_tabs_at_once_is_done_once
    tests/failures/test_clicks.py::test_f08_a_thousand_orders_clicked_in_two_tabs_are_a_thousand_charges
F09 more is sold than there is
    tests/lots/test_races.py::test_sixteen_buyers_never_get_more_than_ten_units
    tests/lots/test_races.py::test_the_naive_way_oversells
F10 a reservation is never released
    tests/failures/test_clocks.py::test_f22_a_reservation_that_ran_out_by_a_wrong_clock_gives_its_stock_back_once
    tests/orders/test_tasks.py::test_an_order_whose_stock_is_astray_holds_up_no_other
F11 money comes for an order that was given up
    tests/failures/test_money.py::test_f11_money_for_an_order_that_was_given_up_meanwhile_goes_back_once
    tests/failures/test_money.py::test_f11_a_transfer_for_an_order_that_was_given_up_waits_for_a_person
F12 a bank brings too little, or too much
    tests/failures/test_money.py::test_f12_a_transfer_of_another_amount_waits_whole_and_pays_nothing
F13 goods are accepted in part
    tests/failures/test_money.py::test_f13_of_goods_accepted_in_part_the_accepted_part_is_settled_and_the_rest_goes_back
F14 goods come back before or after the settlement
    tests/failures/test_money.py::test_f14_goods_that_come_back_before_the_settlement_are_paid_back_and_not_settled
    tests/failures/test_money.py::test_f14_goods_that_come_back_after_the_settlement_are_owed_by_the_supplier
F15 a refund fails after it had succeeded
    tests/failures/test_money.py::test_f15_a_refund_that_fails_after_it_had_succeeded_goes_another_way_once
F16 a dispute, and a refund as well
    tests/failures/test_money.py::test_f16_what_a_payers_bank_has_taken_back_is_not_refunded_as_well
F17 a supplier owes
    tests/failures/test_money.py::test_f17_what_a_supplier_owes_is_taken_off_by_half_and_a_household_keeps_what_it_has
F18 a file or a statement is told twice
    tests/failures/test_money.py::test_f18_a_statement_told_twice_pays_a_settlement_and_a_refund_once
F19 a settlement comes back
    tests/settlements/test_returning.py::test_money_that_comes_back_is_owed_to_the_supplier_again_and_recognised_no_more
    tests/settlements/test_returning.py::test_what_comes_back_comes_back_once_and_only_of_what_was_paid
    tests/settlements/test_returning.py::test_what_a_household_has_confirmed_it_keeps_and_stands_confirmed_again
    tests/settlements/test_returning.py::test_a_payment_in_which_a_debt_was_netted_leaves_it_owed_when_it_comes_back
F20 a plan changes while an order is on its way
    tests/lots/test_by_plan.py::test_a_delivery_follows_the_version_of_its_day_and_pins_it
    tests/catalog/test_listing.py::test_of_several_approved_plan_versions_the_latest_in_force_is_pinned
    tests/audit/test_verifying.py::test_a_plan_rewritten_with_its_hash_is_named_by_the_lines_that_pin_the_old_one
F21 evidence is wrong, or there already
    tests/attribution/test_evidence.py::test_the_same_bytes_again_are_found_and_named_with_what_they_prove
    tests/attribution/test_evidence.py::test_a_file_proves_one_disbursement
    tests/attribution/test_payment_reversal.py::test_its_reference_is_free_again_and_what_is_owed_is_as_old_as_it_was
F22 the clock jumps by a year
    tests/failures/test_clocks.py::test_f22_a_call_that_failed_at_one_time_is_made_once_at_another
    tests/failures/test_clocks.py::test_f22_what_is_looked_at_now_and_then_is_looked_at_whatever_the_clock_did
    tests/failures/test_clocks.py::test_f22_an_event_that_failed_under_a_wrong_clock_is_handled_under_the_right_one
    tests/failures/test_clocks.py::test_f22_money_that_moved_while_the_clock_was_wrong_is_posted_once
    tests/failures/test_clocks.py::test_f22_a_reservation_that_ran_out_by_a_wrong_clock_gives_its_stock_back_once
F23 nothing can be written
    tests/failures/test_commits.py::test_f23_what_cannot_be_written_is_refused_whole_and_done_when_it_can
F24 the database is restored from an older copy
    tests/failures/test_restoring.py::test_f24_what_the_provider_did_since_is_told_again_once
    tests/failures/test_restoring.py::test_f24_statements_imported_again_are_counted_once
F25 something can never be handled
    tests/failures/test_events.py::test_f25_an_event_that_cannot_be_handled_is_parked_and_holds_up_no_other
    tests/failures/test_events.py::test_f25_a_call_whose_outcome_cannot_be_noted_is_parked_and_holds_up_no_other
    tests/failures/test_events.py::test_f25_a_look_that_cannot_be_noted_holds_up_no_other_and_its_money_waits
"""
