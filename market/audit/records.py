"""Cross-checks of what suppliers and counties put on record, for who audits them: hints to look at, not refusals.

A lot that its land cannot have borne, prices and hours that nobody pays or works, what was dated back, and sales that
are dearer than all others' or than their evidence, under no valid certificate, more than was declared, or half given
away by price cuts.
"""

# ruff: noqa: S608 - statements are put together from the fragments of this file alone

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.rules import RecordRule
from market.db import plan_anew
from market.identity.rules import Actor, Scope
from market.payments.rules import DAYS_APART

FAR_ABOVE = 2
"""A household's produce is hardly bought for more than twice what the product is sold for at most."""
FAR_BELOW = 10
"""Nor for less than a tenth of that: even fruit for pressing brings more."""
HOURS_OF_A_DAY = 24
LONGEST_WORK_DAYS = 366
"""A lot is worked for at most so long before it is produced."""
FAR_ABOVE_PEERS, LEAST_PEERS = 3, 3
"""Categories are broad (dates and walnut kernels are dried fruit, and of the sample's at most 2.7 times as dear as each
other), so only more than three times the others' median is far; of two others neither says what is usual."""
LARGE_CUT = 2
"""What takes one of so many parts of a line's price or more is large."""
LONG_AFTER_DAYS = 30
"""What is recorded later than this after it is to have happened, or decided so long after it began to hold, is old."""

_DAY = "CAST({} AT TIME ZONE 'Asia/Shanghai' AS date)"
_ASKED = """
    WITH suppliers AS (
      SELECT id FROM organisations
       WHERE starts_with(region_code, :region) AND (CAST(:supplier AS uuid) IS NULL OR id = :supplier)
    ), lots_asked AS (
      SELECT l.*, p.unit_milli, p.category_code, CAST(l.made_at AT TIME ZONE 'Asia/Shanghai' AS date) AS recorded_on,
             (SELECT max(t.price_fen) FROM price_tiers t WHERE t.product_id = p.id) AS highest_fen
        FROM lots l JOIN suppliers s ON s.id = l.supplier_id JOIN products p ON p.id = l.product_id
       WHERE l.status <> 'discarded' AND l.made_at >= CAST(:begin AS date) - interval '1 day'
    )
"""
_NOBODY = "CAST(NULL AS uuid)"
_BOUGHT = """
        SELECT c.id, l.supplier_id, c.household_id, c.delivered_on, l.recorded_on,
               jsonb_build_object(
                 'price_fen', div(CAST(c.unit_price_fen AS numeric) * l.unit_milli, c.price_unit_milli),
                 'sale_price_fen', l.highest_fen)
          FROM lots_asked l JOIN contributions c
            ON c.lot_id = l.id AND c.carried_from IS NULL AND c.annulment_id IS NULL
         WHERE c.measure = 'quantity' AND c.measured_in = l.base_unit
"""
"""Produce bought of households at a price, beside the highest at which its product is sold."""
_QUERIES: Mapping[RecordRule, str] = {
    RecordRule.YIELD_BEYOND_LAND: f"""
        SELECT l.id, l.supplier_id, {_NOBODY}, l.produced_on, l.recorded_on,
               jsonb_build_object(
                 'kg_per_mu', div(CAST(l.quantity_milli + l.loss_milli - l.bought_in_milli AS numeric),
                                  l.area_milli_mu),
                 'most_kg_per_mu', g.most_kg_per_mu)
          FROM lots_asked l JOIN categories g ON g.code = l.category_code
         WHERE l.origin = 'produced' AND l.base_unit = 'kg' AND l.area_milli_mu > 0
           AND l.quantity_milli + l.loss_milli - l.bought_in_milli
               > CAST(g.most_kg_per_mu AS numeric) * l.area_milli_mu
    """,
    RecordRule.PRICE_FAR_ABOVE_SALE: f"""{_BOUGHT}
           AND CAST(c.unit_price_fen AS numeric) * l.unit_milli
               > {FAR_ABOVE} * CAST(l.highest_fen AS numeric) * c.price_unit_milli
    """,
    RecordRule.PRICE_FAR_BELOW_SALE: f"""{_BOUGHT}
           AND {FAR_BELOW} * CAST(c.unit_price_fen AS numeric) * l.unit_milli
               < CAST(l.highest_fen AS numeric) * c.price_unit_milli
    """,
    RecordRule.WORTH_MORE_THAN_SALE: f"""
        SELECT l.id, l.supplier_id, {_NOBODY}, l.produced_on, l.recorded_on,
               jsonb_build_object('contributed_fen', c.fen, 'sale_fen', c.sale_fen)
          FROM lots_asked l
          CROSS JOIN LATERAL (
            SELECT sum(amount_fen) AS fen,
                   div(CAST(l.quantity_milli AS numeric) * l.highest_fen, l.unit_milli) AS sale_fen
              FROM contributions WHERE lot_id = l.id AND annulment_id IS NULL) AS c
         WHERE c.fen > c.sale_fen
    """,
    RecordRule.HOURS_BEYOND_THE_DAYS: f"""
        SELECT l.id, l.supplier_id, w.household_id, w.last_on, l.recorded_on,
               jsonb_build_object('hours', div(w.milli, 1000), 'days', d.days, 'heads', h.head_count)
          FROM lots_asked l
          JOIN (SELECT lot_id, household_id, max(delivered_on) AS last_on, sum(measure_milli) AS milli
                  FROM contributions WHERE measure = 'hours' AND carried_from IS NULL AND annulment_id IS NULL
                 GROUP BY lot_id, household_id) AS w ON w.lot_id = l.id
          JOIN households h ON h.id = w.household_id
          JOIN enrolments e ON e.household_id = w.household_id AND e.supplier_id = l.supplier_id
          CROSS JOIN LATERAL (
            SELECT w.last_on - greatest(e.enrolled_on, l.produced_on - {LONGEST_WORK_DAYS}) + 1 AS days) AS d
         WHERE w.milli > 1000 * {HOURS_OF_A_DAY} * CAST(h.head_count AS numeric) * d.days
    """,
    RecordRule.VERSION_DATED_BACK: f"""
        SELECT v.id, v.owner_id, {_NOBODY}, v.valid_from, {_DAY.format("v.decided_at")},
               jsonb_build_object('days', {_DAY.format("v.decided_at")} - v.valid_from)
          FROM (SELECT v.id, p.supplier_id AS owner_id, v.valid_from, v.decided_at, v.status
                  FROM plan_versions v JOIN plans p ON p.id = v.plan_id
                 UNION ALL
                SELECT v.id, r.organisation_id, v.valid_from, v.decided_at, v.status
                  FROM register_versions v JOIN registers r ON r.id = v.register_id) AS v
          JOIN suppliers s ON s.id = v.owner_id
         WHERE v.status = 'approved' AND {_DAY.format("v.decided_at")} - v.valid_from > {LONG_AFTER_DAYS}
    """,
    RecordRule.PAYMENT_DATED_BACK: f"""
        SELECT d.id, d.supplier_id, {_NOBODY}, d.paid_on, {_DAY.format("d.made_at")},
               jsonb_build_object('days', {_DAY.format("d.made_at")} - d.paid_on)
          FROM disbursements d JOIN suppliers s ON s.id = d.supplier_id
         WHERE {_DAY.format("d.made_at")} - d.paid_on > {LONG_AFTER_DAYS}
    """,
    RecordRule.RECEIPT_DATED_BACK: f"""
        SELECT r.id, r.supplier_id, {_NOBODY}, r.received_on, {_DAY.format("r.recorded_at")},
               jsonb_build_object('days', {_DAY.format("r.recorded_at")} - r.received_on)
          FROM receipts r JOIN suppliers s ON s.id = r.supplier_id
         WHERE r.bank_line_id IS NULL AND {_DAY.format("r.recorded_at")} - r.received_on > {LONG_AFTER_DAYS}
    """,
    RecordRule.RECEIPT_ON_NO_STATEMENT: f"""
        SELECT r.id, r.supplier_id, {_NOBODY}, r.received_on, {_DAY.format("r.recorded_at")},
               jsonb_build_object('amount_fen', r.amount_fen)
          FROM receipts r JOIN suppliers s ON s.id = r.supplier_id
          CROSS JOIN LATERAL (
            SELECT min(l.booked_on) AS begins_on, max(t.closes_on) AS ends_on
              FROM bank_accounts a
              JOIN bank_statements t ON t.bank_account_id = a.id
              JOIN bank_lines l ON l.statement_id = t.id
             WHERE a.organisation_id = r.supplier_id AND a.purpose = 'own') AS told
         WHERE r.bank_line_id IS NULL AND r.received_on BETWEEN told.begins_on AND told.ends_on - {DAYS_APART}
           AND NOT EXISTS (SELECT FROM receipts_found f WHERE f.receipt_id = r.id)
    """,
    # A supplier's own price is the median of its lines, so that nobody's many orders make up the others' median.
    RecordRule.PRICE_FAR_ABOVE_PEERS: f"""
        WITH sold AS MATERIALIZED (
          SELECT p.category_code, l.unit, l.unit_milli, CAST(date_trunc('quarter', o.placed_on) AS date) AS quarter,
                 o.supplier_id, l.product_id, o.placed_on, l.unit_price_fen AS price_fen
            FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN products p ON p.id = l.product_id
           WHERE o.status NOT IN ('declined', 'cancelled', 'expired')
             AND o.placed_on >= date_trunc('quarter', CAST(:begin AS timestamp))
             AND o.placed_on < date_trunc('quarter', CAST(:end AS timestamp)) + interval '3 months'
        ), usual AS MATERIALIZED (
          SELECT category_code, unit, unit_milli, quarter, supplier_id,
                 percentile_disc(0.5) WITHIN GROUP (ORDER BY price_fen) AS price_fen
            FROM sold GROUP BY category_code, unit, unit_milli, quarter, supplier_id
        ), peers AS (
          SELECT u.category_code, u.unit, u.unit_milli, u.quarter, u.supplier_id, count(*) AS peers,
                 percentile_disc(0.5) WITHIN GROUP (ORDER BY other.price_fen) AS price_fen
            FROM usual u
            JOIN usual other USING (category_code, unit, unit_milli, quarter)
           WHERE other.supplier_id <> u.supplier_id
           GROUP BY u.category_code, u.unit, u.unit_milli, u.quarter, u.supplier_id
          HAVING count(*) >= {LEAST_PEERS}
        )
        SELECT s.product_id, s.supplier_id, {_NOBODY}, min(s.placed_on), min(s.placed_on),
               jsonb_build_object('price_fen', max(s.price_fen), 'peers_price_fen', e.price_fen, 'peers', e.peers)
          FROM sold s
          JOIN suppliers ON suppliers.id = s.supplier_id
          JOIN peers e USING (category_code, unit, unit_milli, quarter, supplier_id)
         WHERE s.price_fen > {FAR_ABOVE_PEERS} * e.price_fen
         GROUP BY s.product_id, s.supplier_id, quarter, e.price_fen, e.peers
    """,
    # Declared is a value per year: each year of the validity has it, the last with what is accepted afterwards. What
    # is passed in a period was begun two years before it at most.
    RecordRule.SALES_ABOVE_DECLARED: f"""
        SELECT id, supplier_id, {_NOBODY}, begins_on, min(accepted_on) FILTER (WHERE so_far_fen > declared_value_fen),
               jsonb_build_object('sold_fen', max(so_far_fen), 'declared_fen', declared_value_fen)
          FROM (SELECT id, supplier_id, declared_value_fen, begins_on, accepted_on,
                       sum(sum(fen)) OVER (PARTITION BY id, begins_on ORDER BY accepted_on) AS so_far_fen
                  FROM (SELECT c.id, c.supplier_id, a.declared_value_fen, l.accepted_on,
                               l.accepted_fen - l.returned_fen AS fen,
                               CAST(c.valid_from + date_trunc('year', age(least(l.accepted_on, c.valid_to),
                                                                          c.valid_from)) AS date) AS begins_on
                          FROM certificates c
                          JOIN suppliers s ON s.id = c.supplier_id
                          JOIN applications a ON a.id = c.application_id
                          JOIN order_lines l ON l.certificate_number = c.number
                         WHERE l.accepted_on BETWEEN CAST(:begin AS date) - 731 AND :end) AS line
                 GROUP BY id, supplier_id, declared_value_fen, begins_on, accepted_on) AS day
         GROUP BY id, supplier_id, declared_value_fen, begins_on
        HAVING max(so_far_fen) > declared_value_fen
    """,
    RecordRule.CERTIFICATE_LAPSED: f"""
        SELECT l.id, o.supplier_id, {_NOBODY}, o.placed_on, o.placed_on,
               jsonb_build_object('days', greatest(o.placed_on - c.valid_to, c.valid_from - o.placed_on, 0),
                                  'amount_fen', l.amount_fen)
          FROM orders o
          JOIN suppliers s ON s.id = o.supplier_id
          JOIN order_groups g ON g.id = o.group_id
          JOIN order_lines l ON l.order_id = o.id
          JOIN certificates c ON c.number = l.certificate_number
          LEFT JOIN LATERAL (SELECT event FROM certificate_changes h
                              WHERE h.certificate_id = c.id AND h.changed_at < g.placed_at
                              ORDER BY h.changed_at DESC, h.id DESC LIMIT 1) AS latest ON true
         WHERE o.placed_on BETWEEN :begin AND :end
           AND (o.placed_on NOT BETWEEN c.valid_from AND c.valid_to OR latest.event IN ('suspend', 'revoke'))
    """,
    RecordRule.PRICE_ABOVE_EVIDENCE: f"""
        SELECT l.id, o.supplier_id, {_NOBODY}, o.placed_on, o.placed_on,
               jsonb_build_object('price_fen', l.unit_price_fen,
                                  'evidenced_price_fen', div(e.price_fen * l.unit_milli, a.unit_milli))
          FROM orders o
          JOIN suppliers s ON s.id = o.supplier_id
          JOIN order_lines l ON l.order_id = o.id
          JOIN certificates c ON c.number = l.certificate_number
          JOIN applications a ON a.id = c.application_id
          CROSS JOIN LATERAL (
            SELECT CAST(least(c.price_ceiling_fen, min(price_fen)) AS numeric) AS price_fen
              FROM price_evidences WHERE application_id = a.id) AS e
         WHERE o.placed_on BETWEEN :begin AND :end
           AND CAST(l.unit_price_fen AS numeric) * a.unit_milli > e.price_fen * l.unit_milli
    """,
    # Of goods that come back later their part of a cut comes back too: a cut is held against what was there when made.
    RecordRule.LARGE_PRICE_CUT: f"""
        SELECT DISTINCT ON (c.order_line_id) c.order_line_id, o.supplier_id, {_NOBODY}, c.returned_on,
               {_DAY.format("c.returned_at")},
               jsonb_build_object('cut_fen', c.cut_fen, 'owed_fen', c.owed_fen)
          FROM (SELECT l.id, l.order_line_id, r.order_id, r.kind, r.returned_on, r.returned_at,
                       sum(l.amount_fen) FILTER (WHERE r.kind = 'price_cut') OVER so_far AS cut_fen,
                       n.accepted_fen - coalesce(sum(l.amount_fen) FILTER (WHERE r.kind = 'return') OVER so_far, 0)
                           AS owed_fen
                  FROM return_lines l
                  JOIN returns r ON r.id = l.return_id
                  JOIN order_lines n ON n.id = l.order_line_id
                WINDOW so_far AS (PARTITION BY l.order_line_id ORDER BY r.returned_at, l.id)) AS c
          JOIN orders o ON o.id = c.order_id
          JOIN suppliers s ON s.id = o.supplier_id
         WHERE c.kind = 'price_cut' AND {LARGE_CUT} * c.cut_fen >= c.owed_fen
         ORDER BY c.order_line_id, c.returned_at DESC, c.id DESC
    """,
}


class OddRecord(NamedTuple):
    """What a rule finds, and by which figures: of which lot, contribution, plan version, payment, product or the like.

    `effective_on` is the day that it is said to be of, `recorded_on` that on which somebody wrote or decided it.
    """

    rule: str
    id: UUID
    supplier_id: UUID
    household_id: UUID | None
    effective_on: date
    recorded_on: date
    figures: Mapping[str, Any]
    key: str


def odd_records(
    session: orm.Session,
    actor: Actor,
    *,
    begin: date,
    end: date,
    after: str | None,
    limit: int,
    rules: Collection[RecordRule] = frozenset(RecordRule),
    supplier_id: UUID | None = None,
) -> list[OddRecord]:
    """Return what the rules find of what suppliers of the actor's region recorded in a period, both days included.

    The newest first; `after` is the key of the last that was read. Prices are compared with the tiers of now. One
    statement.
    """
    plan_anew(session)
    each = (f"SELECT '{rule.value}' AS rule, found.* FROM ({_QUERIES[rule]}) AS found" for rule in sorted(rules))
    asked = sa.text(
        f"""
        {_ASKED}
        SELECT * FROM (
            SELECT odd.*, concat_ws(' ', id, rule, household_id, effective_on) COLLATE "C" AS key
              FROM ({" UNION ALL ".join(each)})
                AS odd (rule, id, supplier_id, household_id, effective_on, recorded_on, figures)
             WHERE recorded_on BETWEEN :begin AND :end) AS listed
         WHERE CAST(:after AS text) IS NULL OR key < :after
         ORDER BY key DESC
         LIMIT :limit
        """
    )
    bound = {
        "region": actor.region_code if actor.scope is Scope.REGION else "",
        "begin": begin,
        "end": end,
        "supplier": supplier_id,
        "after": after,
        "limit": limit,
    }
    return [OddRecord(*row) for row in session.execute(asked, bound)]
