"""What the register contradicts: more delivered than a household's land bears, and assistance of who has none any more.

Both are told of households, whichever suppliers they deliver to.
"""

# ruff: noqa: S608 - statements are put together from the mechanisms in the code alone

from collections.abc import Collection
from datetime import date
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from market.benefits.rules import Mechanism


class BeyondLand(NamedTuple):
    """What a household delivered of one category in a calendar year, and what its land bears of it in one at most."""

    year: int
    delivered_kg: int
    most_kg: int
    land_milli_mu: int


class LapsedAssistance(NamedTuple):
    """In how many pools for assisted households an ordinary one, or one that left, stands; what it was reported for.

    `reported_fen` was posted as income of an assisted household, but the register says that on its day it was none.
    """

    pools: int
    reported_fen: int


_OWN_LAND = ", ".join(f"'{each.value}'" for each in (Mechanism.ORDER_PURCHASE, Mechanism.CONSIGNMENT))
"""Under contract (承包经营) a household grows on land of the supplier's, which is not on record as its own."""
_BEYOND_LAND = sa.text(
    f"""
    WITH delivered AS (
      SELECT c.household_id, p.category_code, CAST(extract(year FROM c.delivered_on) AS int) AS year,
             sum(c.measure_milli) AS milli
        FROM contributions c
        JOIN lots l ON l.id = c.lot_id AND l.status NOT IN ('draft', 'discarded')
        JOIN products p ON p.id = l.product_id
       WHERE c.household_id = ANY(CAST(:households AS uuid[])) AND c.delivered_on BETWEEN :begin AND :end
         AND c.carried_from IS NULL AND c.annulment_id IS NULL AND c.mechanism IN ({_OWN_LAND})
         AND c.measure = 'quantity' AND c.measured_in = 'kg'
       GROUP BY c.household_id, p.category_code, 3
    )
    SELECT DISTINCT ON (h.id) h.id, d.year, CAST(div(d.milli, 1000) AS bigint),
           div(g.most_kg_per_mu * h.land_milli_mu, 1000), h.land_milli_mu
      FROM delivered d
      JOIN households h ON h.id = d.household_id
      JOIN categories g ON g.code = d.category_code
     WHERE d.milli > CAST(g.most_kg_per_mu AS numeric) * h.land_milli_mu
     ORDER BY h.id, d.milli / g.most_kg_per_mu DESC, d.year
    """
)


def beyond_land(
    connection: sa.Connection, household_ids: Collection[UUID], *, begin: date, end: date
) -> dict[UUID, BeyondLand]:
    """Return which households delivered more of a category than their land bears, in the years of a window.

    Of each the year and category that are furthest beyond it. Those of whose land nothing is on record are not judged.
    """
    asked = {"households": list(household_ids), "begin": begin.replace(month=1, day=1), "end": end}
    return {row[0]: BeyondLand(*row[1:]) for row in connection.execute(_BEYOND_LAND, asked)}


# What a list gave is judged on the list's day, what a pool brought on that of the acceptance; what falls of a line of
# which both gave goes by the last list's.
_LAPSED = sa.text(
    """
    WITH standing AS MATERIALIZED (
      SELECT s.household_id, s.valid_from,
             least(lead(s.valid_from) OVER (PARTITION BY s.household_id ORDER BY s.valid_from), h.departed_on) AS until,
             s.status <> 'ordinary' AS assisted
        FROM household_statuses s JOIN households h ON h.id = s.household_id
       WHERE s.household_id = ANY(CAST(:households AS uuid[]))
    ), in_force AS (
      SELECT DISTINCT ON (v.plan_id) v.body
        FROM plan_versions v
       WHERE v.status = 'approved' AND v.valid_from <= :on
       ORDER BY v.plan_id, v.valid_from DESC, v.number DESC
    ), pooled AS (
      SELECT CAST(share ->> 0 AS uuid) AS household_id, count(*) AS pools
        FROM in_force
        CROSS JOIN LATERAL jsonb_array_elements(in_force.body -> 'pools') AS pool
        CROSS JOIN LATERAL jsonb_array_elements(pool -> 'shares') AS share
       WHERE CAST(pool ->> 'assisted_only' AS boolean)
         AND CAST(share ->> 0 AS uuid) = ANY(CAST(:households AS uuid[]))
         AND NOT EXISTS (SELECT FROM standing s
                          WHERE s.household_id = CAST(share ->> 0 AS uuid) AND s.assisted
                            AND s.valid_from <= :on AND (s.until IS NULL OR s.until > :on))
       GROUP BY 1
    ), own AS MATERIALIZED (
      SELECT id, owner_id AS household_id
        FROM ledger_accounts
       WHERE book = 'attribution' AND kind = 'household' AND owner_id = ANY(CAST(:households AS uuid[]))
         AND step IN ('accrued', 'recognised', 'disbursed', 'confirmed')
    ), lists AS (
      SELECT concat('distribution:', d.id) AS source, d.period_to AS judged_on
        FROM distributions d
       WHERE d.id IN (SELECT distribution_id FROM distribution_items
                       WHERE household_id = ANY(CAST(:households AS uuid[])))
      UNION ALL
      SELECT concat('second_distribution:', d.id), d.given_on
        FROM second_distributions d
       WHERE d.id IN (SELECT distribution_id FROM second_distribution_items
                       WHERE household_id = ANY(CAST(:households AS uuid[])))
    ), listed AS MATERIALIZED (
      SELECT DISTINCT e.id AS entry_id, own.household_id, t.order_line_id, t.mechanism, l.judged_on
        FROM lists l
        JOIN ledger_entries e ON e.source = l.source
        JOIN ledger_transfers t ON t.entry_id = e.id AND t.effective_on = e.effective_on
        JOIN own ON own.id = t.credit_account_id
    ), last AS (
      SELECT household_id, order_line_id, mechanism, max(judged_on) AS judged_on FROM listed GROUP BY 1, 2, 3
    ), moved AS (
      SELECT own.household_id, t.entry_id, t.mechanism, t.contribution_id, t.order_line_id, t.effective_on,
             t.amount_fen AS fen
        FROM own JOIN ledger_transfers t ON t.credit_account_id = own.id
       WHERE t.assisted AND t.effective_on BETWEEN :begin AND :end
      UNION ALL
      SELECT own.household_id, t.entry_id, t.mechanism, t.contribution_id, t.order_line_id, t.effective_on,
             -t.amount_fen
        FROM own JOIN ledger_transfers t ON t.debit_account_id = own.id
       WHERE t.assisted AND t.effective_on BETWEEN :begin AND :end
    ), judged AS (
      SELECT m.household_id, m.fen,
             coalesce(c.delivered_on, g.judged_on, last.judged_on, l.accepted_on, m.effective_on) AS judged_on
        FROM moved m
        LEFT JOIN contributions c ON c.id = m.contribution_id
        LEFT JOIN order_lines l ON l.id = m.order_line_id
        LEFT JOIN listed g
               ON (g.entry_id, g.household_id, g.order_line_id, g.mechanism) =
                  (m.entry_id, m.household_id, m.order_line_id, m.mechanism)
        LEFT JOIN last
               ON (last.household_id, last.order_line_id, last.mechanism) =
                  (m.household_id, m.order_line_id, m.mechanism)
              AND NOT EXISTS (SELECT FROM ledger_entries e WHERE e.id = m.entry_id AND e.reason = 'accrual')
    ), reported AS (
      SELECT j.household_id, sum(j.fen) AS fen
        FROM judged j
       WHERE NOT EXISTS (SELECT FROM standing s
                          WHERE s.household_id = j.household_id AND s.assisted AND s.valid_from <= j.judged_on
                            AND (s.until IS NULL OR s.until > j.judged_on))
       GROUP BY j.household_id
      HAVING sum(j.fen) > 0
    )
    SELECT household_id, coalesce(pooled.pools, 0), CAST(coalesce(reported.fen, 0) AS bigint)
      FROM pooled FULL JOIN reported USING (household_id)
    """
)


def lapsed_assistance(
    connection: sa.Connection, household_ids: Collection[UUID], *, begin: date, end: date, on: date
) -> dict[UUID, LapsedAssistance]:
    """Return which households stand, on a day, in pools for assisted ones, or were reported so, and are none."""
    asked = {"households": list(household_ids), "begin": begin, "end": end, "on": on}
    return {row[0]: LapsedAssistance(*row[1:]) for row in connection.execute(_LAPSED, asked)}
