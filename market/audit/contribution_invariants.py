"""Invariants of contributions, from which all that households are owed of a sale follows: price, measure, and origin.

Each query returns what breaks the sentence, as `(subject, expected, found)` texts.
"""

# ruff: noqa: S608 - one list of units, from the table of units

from market.audit.rules import Invariant
from market.quantities import MILLI_IN

_UNITS = ", ".join(f"('{unit}', {milli})" for unit, milli in MILLI_IN.items())

_PARTS = """
    WITH back AS (
      SELECT t.contribution_id, sum(t.amount_fen) AS fen
        FROM ledger_transfers t
        JOIN ledger_accounts a ON a.id = t.credit_account_id AND a.kind IN ('base', 'top_up_base')
        JOIN ledger_entries e ON e.id = t.entry_id AND e.reason = 'return'
       WHERE t.contribution_id IS NOT NULL
       GROUP BY t.contribution_id
    ), returned AS (
      SELECT DISTINCT v.lot_id FROM reservations v JOIN return_lines b
        ON b.order_line_id = v.order_line_id AND b.quantity_milli > 0
    ), parts AS (
      SELECT n.id, n.amount_fen, div(c.amount_fen::numeric * i.quantity_milli, l.quantity_milli) AS least_fen,
             div(c.amount_fen::numeric * i.quantity_milli + l.quantity_milli - 1, l.quantity_milli) AS most_fen,
             b.fen AS back_fen, r.lot_id IS NOT NULL AS is_returned
        FROM contributions n
        JOIN contributions c ON c.id = n.carried_from AND c.proceeds_bp IS NULL
        JOIN lot_inputs i ON i.lot_id = n.lot_id AND i.input_lot_id = c.lot_id
        JOIN lots l ON l.id = c.lot_id
        LEFT JOIN back b ON b.contribution_id = c.id
        LEFT JOIN returned r ON r.lot_id = c.lot_id
    )
"""
"""Between which amounts what a lot took of a contribution lies; what returns took off that, it may make good."""

_TAKEN = """
    WITH made_of AS (
      SELECT l.id, l.bought_in_milli + coalesce(c.milli, 0)
                   + div(coalesce(i.milli, 0) * CASE l.base_unit WHEN 'kg' THEN coalesce(l.content_milli, 1000)
                                                                 ELSE 1000 END, 1000) AS milli
        FROM lots l
        LEFT JOIN (SELECT lot_id, sum(measure_milli) AS milli FROM contributions
                    WHERE carried_from IS NULL AND measure = 'quantity' GROUP BY lot_id) c ON c.lot_id = l.id
        LEFT JOIN (SELECT lot_id, sum(quantity_milli) AS milli FROM lot_inputs GROUP BY lot_id) i ON i.lot_id = l.id
    ), taken AS (
      SELECT l.number, i.lot_id, i.input_lot_id, o.milli AS made_of_milli,
             div(i.quantity_milli::numeric * CASE l.base_unit WHEN 'kg' THEN coalesce(l.content_milli, 1000)
                                                              ELSE 1000 END, 1000) AS milli
        FROM lot_inputs i JOIN lots l ON l.id = i.lot_id JOIN made_of o ON o.id = i.input_lot_id
    )
"""
"""What lots took of others, measured as these were made (`lots.lineage.balanced`), and what those were made of."""

CONTRIBUTIONS: tuple[Invariant, ...] = (
    Invariant(
        "contribution_is_measure_times_price",
        "a contribution is worth its measure at its price, rounded half up; what is consigned has neither",
        "投入金额=数量×单价(四舍五入);代销产品无单价与金额",
        """
        SELECT concat('contribution ', id), coalesce(due_fen::text, 'no price'),
               concat_ws(' / ', amount_fen, unit_price_fen, price_unit_milli)
          FROM (SELECT *, div(2::numeric * unit_price_fen * measure_milli + price_unit_milli, 2 * price_unit_milli)
                       AS due_fen
                  FROM contributions) c
         WHERE CASE WHEN proceeds_bp IS NOT NULL THEN num_nonnulls(amount_fen, unit_price_fen, price_unit_milli) > 0
                    ELSE carried_from IS NULL AND amount_fen IS DISTINCT FROM due_fen END
        """,
    ),
    Invariant(
        "carried_amount_is_its_part",
        "of a priced contribution a lot took its part, to a fen; more only where returns had taken something off it",
        "转入下游批次的投入金额=按转出比例应转金额(误差不足一分);退货曾冲减的可予补足",
        _PARTS
        + """
        SELECT concat('contribution ', id), concat(least_fen, ' to ', most_fen + coalesce(back_fen, 0)),
               amount_fen::text
          FROM parts
         WHERE amount_fen > most_fen + coalesce(back_fen, 0) OR NOT is_returned AND amount_fen < least_fen
        """,
    ),
    Invariant(
        "carried_measure_is_what_moved",
        "of each priced contribution lots made of its lot have the measure that moved along, to the last when all has",
        "转入下游批次的投入数量=按转出比例应转数量,全部转出时分毫不差",
        """
        SELECT concat('lot ', l.number, ' contribution ', c.id),
               div(c.measure_milli::numeric * l.moved_milli, l.quantity_milli)::text, coalesce(o.milli, 0)::text
          FROM contributions c
          JOIN lots l ON l.id = c.lot_id
          LEFT JOIN (SELECT n.carried_from, sum(n.measure_milli) AS milli
                       FROM contributions n JOIN lots m ON m.id = n.lot_id AND m.status <> 'discarded'
                      GROUP BY n.carried_from) o ON o.carried_from = c.id
         WHERE c.proceeds_bp IS NULL AND c.annulment_id IS NULL
           AND coalesce(o.milli, 0) <> div(c.measure_milli::numeric * l.moved_milli, l.quantity_milli)
        """,
    ),
    Invariant(
        "carried_came_with_its_lot",
        "a carried contribution is its household's own, of the same kind and price, from a lot that went into this one",
        "随批转入的投入须与来源的农户、机制、单价一致,且来源批次为本批次的原料",
        """
        SELECT concat('contribution ', n.id), concat_ws(' ', c.household_id, c.mechanism, c.unit_price_fen, c.lot_id),
               concat_ws(' ', n.household_id, n.mechanism, n.unit_price_fen, i.input_lot_id)
          FROM contributions n
          JOIN contributions c ON c.id = n.carried_from
          LEFT JOIN lot_inputs i ON i.lot_id = n.lot_id AND i.input_lot_id = c.lot_id
         WHERE i.lot_id IS NULL
            OR (n.household_id, n.mechanism, n.measure, n.unit_price_fen, n.price_unit_milli, n.proceeds_bp,
                n.market_price_fen, n.plan_version_id, n.delivered_on)
               IS DISTINCT FROM
               (c.household_id, c.mechanism, c.measure, c.unit_price_fen, c.price_unit_milli, c.proceeds_bp,
                c.market_price_fen, c.plan_version_id, c.delivered_on)
        """,
    ),
    Invariant(
        "consigned_goes_on_with_its_quantity",
        "of what was taken of a lot each who consigned it goes on with its part, to a gram, and all with no more",
        "随批转出的代销数量=按各户占比应转数量(误差不足一克),合计不得超过投料数量",
        _TAKEN
        + """
        SELECT concat('contribution ', n.id), concat('some ', div(t.milli * c.measure_milli, t.made_of_milli)),
               n.measure_milli::text
          FROM contributions n
          JOIN contributions c ON c.id = n.carried_from AND c.proceeds_bp IS NOT NULL
          JOIN taken t ON t.lot_id = n.lot_id AND t.input_lot_id = c.lot_id
         WHERE abs(n.measure_milli * t.made_of_milli - t.milli * c.measure_milli) >= t.made_of_milli
        UNION ALL
        SELECT concat('lot ', t.number, ' from lot ', t.input_lot_id), concat('at most ', t.milli),
               sum(n.measure_milli)::text
          FROM taken t
          JOIN contributions n ON n.lot_id = t.lot_id AND n.proceeds_bp IS NOT NULL
          JOIN contributions c ON c.id = n.carried_from AND c.lot_id = t.input_lot_id
         GROUP BY t.number, t.input_lot_id, t.milli
        HAVING sum(n.measure_milli) > t.milli
        """,
    ),
    Invariant(
        "contribution_follows_its_plan",
        "a contribution is by an approved plan of its supplier, held by its day, at the price that this makes for it",
        "投入所依据的方案版本属于本供应商且已批准生效,机制、单价与其一致",
        f"""
        WITH promised AS (
          SELECT v.id, m.mechanism, t.terms, u.milli AS price_unit_milli
            FROM plan_versions v
            JOIN LATERAL jsonb_array_elements_text(v.body -> 'lot_mechanisms') AS m (mechanism) ON true
            LEFT JOIN LATERAL jsonb_array_elements(v.body -> 'terms') AS t (terms)
              ON t.terms ->> 'mechanism' = m.mechanism
            LEFT JOIN (VALUES {_UNITS}) AS u (unit, milli) ON u.unit = t.terms ->> 'unit'
        )
        SELECT concat('contribution ', c.id), concat_ws(' ', v.status, v.valid_from, t.terms),
               concat_ws(' / ', c.mechanism, c.unit_price_fen, c.market_price_fen, c.proceeds_bp, c.price_unit_milli)
          FROM contributions c
          JOIN lots l ON l.id = c.lot_id
          JOIN plan_versions v ON v.id = c.plan_version_id
          JOIN plans p ON p.id = v.plan_id
          LEFT JOIN promised t ON t.id = v.id AND t.mechanism = c.mechanism
         WHERE v.status <> 'approved' OR v.valid_from > c.delivered_on OR p.supplier_id <> l.supplier_id
            OR t.id IS NULL OR c.price_unit_milli <> t.price_unit_milli
            OR NOT coalesce(CASE coalesce(t.terms ->> 'pricing', 'fixed')
                   WHEN 'proceeds' THEN c.proceeds_bp = CAST(t.terms ->> 'bp' AS bigint)
                   WHEN 'floor' THEN c.market_price_fen IS NOT NULL AND
                        c.unit_price_fen = greatest(c.market_price_fen, CAST(t.terms ->> 'least_fen' AS bigint))
                   WHEN 'market_plus' THEN c.unit_price_fen = div(
                        2 * CAST(c.market_price_fen AS numeric) * (10000 + CAST(t.terms ->> 'bp' AS bigint)) + 10000,
                        20000)
                   ELSE c.market_price_fen IS NULL
                        AND c.unit_price_fen >= coalesce(CAST(t.terms ->> 'least_fen' AS bigint), 0)
                        AND c.unit_price_fen <= coalesce(CAST(t.terms ->> 'most_fen' AS bigint), c.unit_price_fen)
                   END, false)
        """,
    ),
    Invariant(
        "annulled_with_all_that_came_from_it",
        "own contributions to lots that were opened are annulled, with all that was carried from them, and no others",
        "撤销的是已开售批次的原始投入及由其转入下游的全部投入,不涉及其他投入",
        """
        WITH RECURSIVE family AS (
          SELECT a.contribution_id AS id, a.id AS annulment_id
            FROM annulments a
            JOIN contributions c ON c.id = a.contribution_id AND c.carried_from IS NULL
            JOIN lots l ON l.id = c.lot_id AND l.status NOT IN ('draft', 'discarded')
           WHERE a.status = 'approved'
           UNION ALL
          SELECT c.id, f.annulment_id FROM family f JOIN contributions c ON c.carried_from = f.id
        )
        SELECT concat('contribution ', c.id), coalesce(f.annulment_id::text, 'stands'),
               coalesce(c.annulment_id::text, 'stands')
          FROM contributions c LEFT JOIN family f ON f.id = c.id
         WHERE c.annulment_id IS DISTINCT FROM f.annulment_id
        """,
    ),
    Invariant(
        "of_what_was_annulled_nothing_stands",
        "no household has anything of an annulled contribution on any line, but what it received, as an advance",
        "已撤销的投入在任何订单行均无余额,农户已收到的款项转为预付",
        """
        SELECT concat_ws(' ', 'contribution', c.id, 'order line', m.order_line_id, a.step), '0', sum(m.fen)::text
          FROM contributions c
          JOIN (SELECT credit_account_id AS account_id, contribution_id, order_line_id, amount_fen AS fen
                  FROM ledger_transfers
                UNION ALL
                SELECT debit_account_id, contribution_id, order_line_id, -amount_fen FROM ledger_transfers) m
            ON m.contribution_id = c.id
          JOIN ledger_accounts a ON a.id = m.account_id AND a.kind = 'household' AND a.step <> 'advance'
         WHERE c.annulment_id IS NOT NULL
         GROUP BY c.id, m.order_line_id, a.id
        HAVING sum(m.fen) <> 0
        """,
    ),
)
