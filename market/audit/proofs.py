"""Cross-checks of what proves payments, for who audits them: hints to look at, not refusals.

An honest village photographs the same table week after week, and a receipt may come days after the money: so files that
look alike, or were captured on odd days, are taken, and listed here.
"""

# ruff: noqa: S608 - statements are put together from the fragments of this file alone

from collections.abc import Collection, Mapping
from datetime import date
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.evidence import LOOK_ALIKE_BITS
from market.audit.rules import ProofRule
from market.db import plan_anew
from market.identity.rules import Actor, Scope

LONG_BEFORE_DAYS = 30
"""A file captured earlier than this before the payment it proves was hardly made for it."""

# What a file proves: a disbursement, or payments confirmed, as of the first of them. `shown` is whether the reader may
# know of it; a file's own day is what the camera noted, else what the uploader stated. Hashes that differ in three bits
# at most agree in one of their four parts, by which they are found without comparing each with each.
_PROVED = """
    WITH paid AS (
      SELECT p.id, p.disbursement_id, p.supplier_id, d.paid_on,
             starts_with(coalesce(h.village_code, o.region_code), :region) AS shown
        FROM payments p
        JOIN disbursements d ON d.id = p.disbursement_id
        LEFT JOIN households h ON h.id = p.household_id
        LEFT JOIN organisations o ON o.id = p.collective_id
    ), things AS (
      SELECT disbursement_id AS id, disbursement_id, CAST(NULL AS uuid) AS confirmation_id,
             CAST(min(CAST(supplier_id AS text)) AS uuid) AS supplier_id, min(paid_on) AS paid_on
        FROM paid GROUP BY disbursement_id HAVING bool_or(shown)
      UNION ALL
      SELECT x.confirmation_id, NULL, x.confirmation_id, CAST(min(CAST(p.supplier_id AS text)) AS uuid), min(p.paid_on)
        FROM paid p JOIN confirmed_payments x ON x.payment_id = p.id
       GROUP BY x.confirmation_id HAVING bool_or(p.shown)
    ), proofs AS (
      SELECT coalesce(u.disbursement_id, u.confirmation_id) AS thing_id, u.sha256, u.evidence_id, e.organisation_id,
             e.looks, coalesce(CAST(e.taken_at AT TIME ZONE 'Asia/Shanghai' AS date), e.stated_on) AS captured_on
        FROM evidence_uses u JOIN evidences e ON e.id = u.evidence_id
       WHERE NOT EXISTS (SELECT FROM evidence_uses n WHERE n.sha256 = u.sha256 AND n.turn > u.turn)
    ), parts AS (
      SELECT thing_id, evidence_id, captured_on, looks, place, (looks >> (16 * place)) & 65535 AS part
        FROM proofs CROSS JOIN generate_series(0, 3) AS place WHERE looks IS NOT NULL
    ), asked AS (
      SELECT * FROM things
       WHERE paid_on BETWEEN :begin AND :end AND (CAST(:supplier AS uuid) IS NULL OR supplier_id = :supplier)
    )
"""
_COLUMNS = "t.id, t.disbursement_id, t.confirmation_id, t.supplier_id, t.paid_on"
_NONE = "CAST(NULL AS uuid)"
_QUERIES: Mapping[ProofRule, str] = {
    ProofRule.NO_EVIDENCE_FILE: f"""
        SELECT {_COLUMNS}, {_NONE} AS evidence_id, CAST(NULL AS date) AS captured_on, {_NONE} AS other_evidence_id,
               {_NONE} AS other_organisation_id
          FROM asked t
         WHERE t.disbursement_id IS NOT NULL AND NOT EXISTS (SELECT FROM proofs r WHERE r.thing_id = t.id)
    """,
    ProofRule.CAPTURED_AFTER_PAYMENT: f"""
        SELECT {_COLUMNS}, r.evidence_id, r.captured_on, {_NONE}, {_NONE}
          FROM asked t JOIN proofs r ON r.thing_id = t.id
         WHERE t.disbursement_id IS NOT NULL AND r.captured_on > t.paid_on
    """,
    ProofRule.CAPTURED_LONG_BEFORE: f"""
        SELECT {_COLUMNS}, r.evidence_id, r.captured_on, {_NONE}, {_NONE}
          FROM asked t JOIN proofs r ON r.thing_id = t.id
         WHERE r.captured_on < t.paid_on - CASE WHEN t.confirmation_id IS NULL THEN CAST(:long AS int) ELSE 0 END
    """,
    ProofRule.LOOKS_LIKE_ANOTHER: f"""
        SELECT DISTINCT {_COLUMNS}, r.evidence_id, r.captured_on,
               CASE WHEN EXISTS (SELECT FROM things s WHERE s.id = o.thing_id) THEN o.evidence_id END, {_NONE}
          FROM asked t
          JOIN parts r ON r.thing_id = t.id
          JOIN parts o ON o.place = r.place AND o.part = r.part AND o.thing_id <> r.thing_id
           AND bit_count(CAST(o.looks # r.looks AS bit(64))) <= {LOOK_ALIKE_BITS}
    """,
    ProofRule.HELD_BY_TWO_ORGANISATIONS: f"""
        SELECT {_COLUMNS}, r.evidence_id, r.captured_on, {_NONE},
               CASE WHEN :region = '' OR starts_with(o.region_code, :region) THEN o.id END
          FROM asked t JOIN proofs r ON r.thing_id = t.id
          JOIN evidences e ON e.sha256 = r.sha256 AND e.organisation_id <> r.organisation_id
          JOIN organisations o ON o.id = e.organisation_id
    """,
}


class OddProof(NamedTuple):
    """What a rule finds of a disbursement or a confirmation, by which file; what the reader may not know is None."""

    rule: str
    id: UUID
    disbursement_id: UUID | None
    confirmation_id: UUID | None
    supplier_id: UUID
    paid_on: date
    evidence_id: UUID | None
    captured_on: date | None
    other_evidence_id: UUID | None
    other_organisation_id: UUID | None
    key: str

    @property
    def days(self) -> int | None:
        """Return how many days after the payment the file was captured; before it they are negative."""
        return (self.captured_on - self.paid_on).days if self.captured_on else None


def odd_proofs(
    session: orm.Session,
    actor: Actor,
    *,
    begin: date,
    end: date,
    after: str | None,
    limit: int,
    rules: Collection[ProofRule] = frozenset(ProofRule),
    supplier_id: UUID | None = None,
) -> list[OddProof]:
    """Return what the rules find of payments made in a period, both days included, in the actor's region; newest first.

    `after` is the key of the last that was read. One statement.
    """
    plan_anew(session)
    each = (f"SELECT '{rule.value}' AS rule, found.* FROM ({_QUERIES[rule]}) AS found" for rule in sorted(rules))
    asked = sa.text(
        f"""
        {_PROVED}
        SELECT * FROM (
            SELECT odd.*, concat_ws(' ', id, rule, evidence_id, other_evidence_id, other_organisation_id)
                          COLLATE "C" AS key
              FROM ({" UNION ALL ".join(each)})
                AS odd (rule, id, disbursement_id, confirmation_id, supplier_id, paid_on, evidence_id, captured_on,
                        other_evidence_id, other_organisation_id)) AS listed
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
        "long": LONG_BEFORE_DAYS,
        "after": after,
        "limit": limit,
    }
    wanted = {name: value for name, value in bound.items() if f":{name}" in asked.text}
    return [OddProof(*row) for row in session.execute(asked, wanted)]
