"""Invariants of what is kept in periods or stands for another: head counts, baselines, certificates of parts.

Each query returns what breaks the sentence, as `(subject, expected, found)` texts.
"""

from market.audit.rules import Invariant

REGISTER: tuple[Invariant, ...] = (
    Invariant(
        "head_count_is_the_last",
        "a household counts as many as the last of its head counts says",
        "农户现有人口数与最近一次人口登记一致",
        """
        SELECT concat('household ', h.code), c.head_count::text, h.head_count::text
          FROM households h
         CROSS JOIN LATERAL (SELECT head_count FROM household_head_counts c WHERE c.household_id = h.id
                              ORDER BY valid_from DESC, recorded_at DESC, id DESC LIMIT 1) c
         WHERE c.head_count <> h.head_count
        """,
    ),
    Invariant(
        "one_baseline_is_in_force",
        "of a household's figure no two confirmed baselines are in force for one day",
        "农户同一指标同一日期只有一个有效基期",
        """
        WITH in_force AS (
          SELECT b.* FROM household_baselines b
           WHERE b.status = 'confirmed' AND NOT EXISTS (
             SELECT FROM household_baselines n WHERE n.replaces = b.id AND n.status = 'confirmed')
        )
        SELECT concat('household ', one.household_id, ' ', one.figure), one.id::text, other.id::text
          FROM in_force one
          JOIN in_force other ON other.household_id = one.household_id AND other.figure = one.figure
                             AND other.id > one.id
                             AND other.period_from <= one.period_to AND one.period_from <= other.period_to
        """,
    ),
    Invariant(
        "part_keeps_its_certificate",
        "a part of a split that shows another lot's quality certificate shows the one that lot has",
        "分批所附合格证与其来源批次一致",
        """
        SELECT concat('lot ', p.number), coalesce(l.quality_certificate, 'none'), p.quality_certificate
          FROM lots p JOIN lots l ON l.id = p.certified_lot_id
         WHERE p.quality_certificate IS DISTINCT FROM l.quality_certificate OR l.certified_lot_id IS NOT NULL
            OR l.supplier_id <> p.supplier_id
        """,
    ),
)
