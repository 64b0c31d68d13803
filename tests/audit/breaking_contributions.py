"""How the invariants of contributions are broken behind the guards, and what the doctor then names."""

from tests.audit.spoiling import A_PART_UNSOLD, GIVEN_AND_UNSOLD, SOLD_OUT, carries_of_a_part

CONTRIBUTIONS: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "contribution_releases_at_most_itself": (
        (
            (
                f"UPDATE contributions SET amount_fen = amount_fen - 1 WHERE lot_id = {SOLD_OUT}"
                f" AND id = (SELECT min(id::text)::uuid FROM contributions WHERE lot_id = {SOLD_OUT})"
            ),
        ),
        {
            "contribution_releases_at_most_itself",
            "sold_out_lot_releases_all",
            "carry_is_what_is_left",
            "contribution_is_measure_times_price",
        },
    ),
    "sold_out_lot_releases_all": (
        (f"UPDATE contributions SET amount_fen = amount_fen + 1 WHERE lot_id = {SOLD_OUT}",),
        {"sold_out_lot_releases_all", "carry_is_what_is_left", "contribution_is_measure_times_price"},
    ),
    "sold_out_lot_releases_all: what a price cut took is carried": (
        (
            f"UPDATE contributions SET amount_fen = amount_fen + 1 WHERE lot_id = {SOLD_OUT}",
            f"INSERT INTO release_carries SELECT id, 1 FROM contributions WHERE lot_id = {SOLD_OUT}",
        ),
        {"sold_out_lot_releases_all", "contribution_is_measure_times_price"},
    ),
    "carry_is_what_is_left": (("UPDATE release_carries SET fen = fen + 1",), {"carry_is_what_is_left"}),
    "carried_measure_is_what_moved": (
        (
            (
                "UPDATE contributions SET measure_milli = measure_milli + 1"
                " WHERE carried_from IS NOT NULL AND amount_fen > 0"
            ),
        ),
        {"carried_measure_is_what_moved"},
    ),
    "carried_came_with_its_lot": (
        ("UPDATE contributions SET unit_price_fen = unit_price_fen + 1 WHERE carried_from IS NOT NULL",),
        {"carried_came_with_its_lot"},
    ),
    "consigned_goes_on_with_its_quantity": (
        ("UPDATE contributions SET measure_milli = 9 * measure_milli WHERE proceeds_bp > 0 AND carried_from < id",),
        {"consigned_goes_on_with_its_quantity"},
    ),
    "contribution_follows_its_plan": (
        (
            (
                "UPDATE plan_versions SET body = body || jsonb_build_object('terms', jsonb_build_array("
                "jsonb_build_object('mechanism', 'order_purchase', 'pricing', 'floor', 'least_fen', 99999)))"
            ),
        ),
        {"contribution_follows_its_plan", "plan_has_its_hash"},
    ),
    "contribution_is_measure_times_price": (
        (f"UPDATE contributions SET amount_fen = 10 * amount_fen WHERE id = {GIVEN_AND_UNSOLD}",),
        {"contribution_is_measure_times_price"},
    ),
    "contribution_is_measure_times_price: by a fen": (
        (f"UPDATE contributions SET amount_fen = amount_fen - 1 WHERE id = {GIVEN_AND_UNSOLD}",),
        {"contribution_is_measure_times_price"},
    ),
    "contribution_is_measure_times_price: another price": (
        (f"UPDATE contributions SET unit_price_fen = unit_price_fen + 1 WHERE id = {GIVEN_AND_UNSOLD}",),
        {"contribution_is_measure_times_price"},
    ),
    "contribution_is_measure_times_price: consigned for an amount": (
        (
            (
                "UPDATE contributions SET amount_fen = 1, unit_price_fen = 1, price_unit_milli = 1"
                " WHERE proceeds_bp > 0 AND lot_id IN (SELECT id FROM lots WHERE status = 'draft')"
            ),
        ),
        {"contribution_is_measure_times_price", "carried_came_with_its_lot"},
    ),
    "carried_amount_is_its_part": (
        (carries_of_a_part(-50), f"UPDATE contributions SET amount_fen = amount_fen + 50 WHERE id = {A_PART_UNSOLD}"),
        {"carried_amount_is_its_part"},
    ),
    "carried_amount_is_its_part: too little": (
        (carries_of_a_part(50), f"UPDATE contributions SET amount_fen = amount_fen - 50 WHERE id = {A_PART_UNSOLD}"),
        {"carried_amount_is_its_part"},
    ),
    "carried_came_with_its_lot: at other basis points": (
        ("UPDATE contributions SET proceeds_bp = proceeds_bp + 1 WHERE proceeds_bp > 0 AND carried_from < id",),
        {"carried_came_with_its_lot", "contribution_follows_its_plan"},
    ),
    "consigned_goes_on_with_its_quantity: less than its part": (
        ("UPDATE contributions SET measure_milli = measure_milli - 1 WHERE proceeds_bp > 0 AND carried_from < id",),
        {"consigned_goes_on_with_its_quantity"},
    ),
    "contribution_follows_its_plan: another supplier's": (
        (
            (
                "UPDATE contributions c SET plan_version_id = v.id FROM plan_versions v"
                f" WHERE c.id = {GIVEN_AND_UNSOLD} AND v.plan_id NOT IN (SELECT p.id FROM plans p"
                " JOIN lots l ON l.supplier_id = p.supplier_id WHERE l.id = c.lot_id)"
            ),
        ),
        {"contribution_follows_its_plan"},
    ),
    "contribution_follows_its_plan: what it does not promise": (
        (f"UPDATE contributions SET mechanism = 'contracting' WHERE id = {GIVEN_AND_UNSOLD}",),
        {"contribution_follows_its_plan"},
    ),
    "contribution_follows_its_plan: before it held": (
        (f"UPDATE contributions SET delivered_on = DATE '2019-12-31' WHERE id = {GIVEN_AND_UNSOLD}",),
        {"contribution_follows_its_plan"},
    ),
    "contribution_follows_its_plan: a price per another unit": (
        (
            (
                "UPDATE plan_versions SET body = body || jsonb_build_object('terms', jsonb_build_array("
                "jsonb_build_object('mechanism', 'order_purchase', 'pricing', 'fixed', 'unit', 'kg')))"
            ),
        ),
        {"contribution_follows_its_plan", "plan_has_its_hash"},
    ),
    "contribution_follows_its_plan: a price of the market where one is agreed": (
        (
            (
                "UPDATE contributions SET market_price_fen = 1, market_source = '日报价', market_on = delivered_on"
                f" WHERE id = {GIVEN_AND_UNSOLD}"
            ),
        ),
        {"contribution_follows_its_plan"},
    ),
}
