"""Invariants of the market: stock, orders, money in, certificates, plans.

Each query returns what breaks the sentence, as `(subject, expected, found)` texts.
"""

# ruff: noqa: S608 - one list of mechanisms, from the table of mechanisms

from market.audit.cash_invariants import TO_COME
from market.audit.rules import Invariant
from market.orders.queries import OWED_BACK

_BALANCES = """
    WITH balances AS (
      SELECT concat('lot ', l.number) AS subject,
             CASE l.base_unit WHEN 'piece' THEN l.quantity_milli * coalesce(l.content_milli, 1000)::numeric / 1000
                              ELSE l.quantity_milli END AS claimed,
             coalesce(c.milli, 0) + l.bought_in_milli - l.loss_milli
             + CASE l.base_unit WHEN 'kg' THEN coalesce(i.milli, 0) * coalesce(l.content_milli, 1000)::numeric / 1000
                                ELSE coalesce(i.milli, 0) END AS kept
        FROM lots l
        LEFT JOIN (SELECT lot_id, sum(measure_milli) AS milli FROM contributions
                    WHERE carried_from IS NULL AND measure = 'quantity' GROUP BY lot_id) c ON c.lot_id = l.id
        LEFT JOIN (SELECT lot_id, sum(quantity_milli) AS milli FROM lot_inputs GROUP BY lot_id) i ON i.lot_id = l.id
       WHERE l.status NOT IN ('draft', 'discarded')
    )
"""
"""What a lot claims, and what went into it less the loss: where pieces are made of what is weighed, or the reverse, by
weight (`lots.lineage.balanced`)."""

MARKET: tuple[Invariant, ...] = (
    Invariant(
        "stock_is_conserved",
        "where a lot's quantity is sums to it, and nowhere is less than nothing",
        "批次各状态数量之和等于总量,且均不为负",
        """
        SELECT concat('lot ', number), quantity_milli::text,
               concat_ws(' + ', available_milli, reserved_milli, shipped_milli, accepted_milli, moved_milli,
                         spoiled_milli)
          FROM lots
         WHERE available_milli + reserved_milli + shipped_milli + accepted_milli + moved_milli + spoiled_milli
               <> quantity_milli
            OR least(available_milli, reserved_milli, shipped_milli, accepted_milli, moved_milli, spoiled_milli) < 0
        """,
    ),
    Invariant(
        "reservations_fill_the_lot",
        "the reservations of a lot sum to what it has reserved, shipped and accepted",
        "预留合计等于批次的预留、在途与已验收数量",
        """
        SELECT concat('lot ', l.number), concat_ws(' / ', l.reserved_milli, l.shipped_milli, l.accepted_milli),
               concat_ws(' / ', coalesce(r.reserved, 0), coalesce(r.shipped, 0), coalesce(r.accepted, 0))
          FROM lots l
          LEFT JOIN (SELECT lot_id, sum(reserved_milli) AS reserved, sum(shipped_milli) AS shipped,
                            sum(accepted_milli) AS accepted
                       FROM reservations GROUP BY lot_id) r ON r.lot_id = l.id
         WHERE (l.reserved_milli, l.shipped_milli, l.accepted_milli)
               IS DISTINCT FROM (coalesce(r.reserved, 0), coalesce(r.shipped, 0), coalesce(r.accepted, 0))
        """,
    ),
    Invariant(
        "moved_went_somewhere",
        "what was moved out of a lot is in lots made of it",
        "转出数量与下游批次投料一致",
        """
        SELECT concat('lot ', l.number), l.moved_milli::text, coalesce(i.milli, 0)::text
          FROM lots l
          LEFT JOIN (SELECT n.input_lot_id, sum(n.quantity_milli) AS milli
                       FROM lot_inputs n JOIN lots m ON m.id = n.lot_id AND m.status <> 'discarded' GROUP BY 1) i
            ON i.input_lot_id = l.id
         WHERE l.moved_milli <> coalesce(i.milli, 0)
        """,
    ),
    Invariant(
        "lot_is_covered",
        "contributions + bought in + inputs - loss cover a lot on sale",
        "在售批次数量须有投入、外购、投料覆盖",
        _BALANCES + "SELECT subject, concat('at least ', claimed), kept::text FROM balances WHERE kept < claimed",
    ),
    Invariant(
        "lot_is_not_inflated",
        "no more went into a lot on sale than it holds and lost",
        "在售批次的投入、外购、投料扣除损耗后不得超过其数量",
        _BALANCES + "SELECT subject, concat('at most ', claimed), kept::text FROM balances WHERE kept > claimed",
    ),
    Invariant(
        "lot_graph_has_no_circle",
        "no lot went into itself, however far",
        "批次不得循环投料",
        """
        WITH RECURSIVE behind AS (
          SELECT lot_id, input_lot_id FROM lot_inputs
           UNION
          SELECT b.lot_id, i.input_lot_id FROM behind b JOIN lot_inputs i ON i.lot_id = b.input_lot_id
        )
        SELECT concat('lot ', l.number), 'no circle', 'one' FROM behind b JOIN lots l ON l.id = b.lot_id
         WHERE b.lot_id = b.input_lot_id
        """,
    ),
    Invariant(
        "dead_order_holds_nothing",
        "an order that was given up holds no stock",
        "已终止订单不占用库存",
        """
        SELECT concat('order ', o.number), '0', sum(r.reserved_milli + r.shipped_milli + r.accepted_milli)::text
          FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN reservations r ON r.order_line_id = l.id
         WHERE o.status IN ('declined', 'cancelled', 'expired')
         GROUP BY o.number
        HAVING sum(r.reserved_milli + r.shipped_milli + r.accepted_milli) <> 0
        """,
    ),
    Invariant(
        "line_holds_its_stock",
        "an order line holds what its order's status says: reserved, then shipped, then accepted less returned",
        "订单行占用的库存与订单状态一致",
        """
        SELECT concat('order line ', x.id), concat_ws(' / ', x.reserved, x.shipped, x.accepted),
               concat_ws(' / ', coalesce(r.reserved, 0), coalesce(r.shipped, 0), coalesce(r.accepted, 0))
          FROM (SELECT l.id, CASE WHEN o.status IN ('placed', 'confirmed') THEN l.quantity_milli ELSE 0 END AS reserved,
                       CASE WHEN o.status IN ('shipped', 'partly_accepted') AND a.id IS NULL
                            THEN l.shipped_milli ELSE 0 END AS shipped,
                       l.accepted_milli - l.returned_milli AS accepted
                  FROM order_lines l JOIN orders o ON o.id = l.order_id
                  LEFT JOIN acceptance_lines a ON a.order_line_id = l.id
                 WHERE o.status NOT IN ('declined', 'cancelled', 'expired')) x
          LEFT JOIN (SELECT order_line_id, sum(reserved_milli) AS reserved, sum(shipped_milli) AS shipped,
                            sum(accepted_milli) AS accepted
                       FROM reservations GROUP BY order_line_id) r ON r.order_line_id = x.id
         WHERE (x.reserved, x.shipped, x.accepted)
               IS DISTINCT FROM (coalesce(r.reserved, 0), coalesce(r.shipped, 0), coalesce(r.accepted, 0))
        """,
    ),
    Invariant(
        "line_says_what_was_found",
        "an order line says what its acceptance, its returns and its price cuts say",
        "订单行与验收、退货、折让记录一致",
        """
        SELECT concat('order line ', l.id),
               concat_ws(' / ', coalesce(a.accepted_milli, 0), coalesce(a.accepted_fen, 0),
                         coalesce(a.accepted_net_fen, 0), coalesce(r.milli, 0), coalesce(r.fen, 0),
                         coalesce(r.net_fen, 0)),
               concat_ws(' / ', l.accepted_milli, l.accepted_fen, l.accepted_net_fen, l.returned_milli, l.returned_fen,
                         l.returned_net_fen)
          FROM order_lines l
          LEFT JOIN acceptance_lines a ON a.order_line_id = l.id
          LEFT JOIN (SELECT order_line_id, sum(quantity_milli) AS milli, sum(amount_fen) AS fen, sum(net_fen) AS net_fen
                       FROM return_lines GROUP BY order_line_id) r ON r.order_line_id = l.id
         WHERE (l.accepted_milli, l.accepted_fen, l.accepted_net_fen, l.returned_milli, l.returned_fen,
                l.returned_net_fen)
               IS DISTINCT FROM (coalesce(a.accepted_milli, 0), coalesce(a.accepted_fen, 0),
                                 coalesce(a.accepted_net_fen, 0), coalesce(r.milli, 0), coalesce(r.fen, 0),
                                 coalesce(r.net_fen, 0))
        """,
    ),
    Invariant(
        "sale_counts_with_its_income",
        "what was accepted, came back or was cut counts as sold, or not, on the day on which the book has its income",
        "验收、退货与折让计入销售额的日期与其收入入账日期一致",
        """
        SELECT e.source, f.counts_on::text, e.effective_on::text
          FROM (SELECT concat('acceptance:', id) AS source, counts_on FROM acceptance_lines
                UNION ALL
                SELECT concat(r.kind, ':', l.id), l.counts_on
                  FROM return_lines l JOIN returns r ON r.id = l.return_id) f
          JOIN ledger_entries e ON e.source = f.source
         WHERE e.effective_on <> f.counts_on
        """,
    ),
    Invariant(
        "amount_follows_from_price",
        "amounts of a line follow from quantity, unit price and tax, rounded half up",
        "行金额=数量×单价(四舍五入),净额不含税",
        """
        SELECT concat('order line ', id), concat_ws(' / ', ordered, accepted,
                      div(2 * accepted * 10000 + 10000 + tax_bp, 2 * (10000 + tax_bp))),
               concat_ws(' / ', amount_fen, accepted_fen, accepted_net_fen)
          FROM (SELECT *, div(2::numeric * unit_price_fen * quantity_milli + unit_milli, 2 * unit_milli) AS ordered,
                       div(2::numeric * unit_price_fen * accepted_milli + unit_milli, 2 * unit_milli) AS accepted
                  FROM order_lines) l
         WHERE (amount_fen, accepted_fen, accepted_net_fen) IS DISTINCT FROM
               (ordered, accepted, div(2 * accepted * 10000 + 10000 + tax_bp, 2 * (10000 + tax_bp)))
        """,
    ),
    Invariant(
        "order_sums_its_lines",
        "an order's amount is the sum of its lines",
        "订单金额等于各行之和",
        """
        SELECT concat('order ', o.number), coalesce(sum(l.amount_fen), 0)::text, o.amount_fen::text
          FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
         GROUP BY o.id HAVING coalesce(sum(l.amount_fen), 0) <> o.amount_fen
        """,
    ),
    Invariant(
        "order_has_what_receipts_brought",
        "what a buyer paid for an order is what receipts brought for it",
        "订单已收款等于到款分配合计",
        """
        SELECT concat('order ', o.number), coalesce(sum(a.amount_fen), 0)::text, o.captured_fen::text
          FROM orders o LEFT JOIN receipt_allocations a ON a.order_id = o.id
         GROUP BY o.id HAVING coalesce(sum(a.amount_fen), 0) <> o.captured_fen
        """,
    ),
    Invariant(
        "paid_is_spent_open_or_owed_back",
        "what an order's supplier was paid was spent on its lines, is open for lines to come, or is owed back",
        "供应商已收货款=已付各行+留待未验收行+应退货款",
        f"""
        SELECT concat('order ', number), paid_fen::text, concat_ws(' + ', spent, open, back)
          FROM (SELECT number, funds_model, paid_fen, spent, least, back,
                       greatest(least(paid_fen - kept, to_come), 0) AS open
                  FROM (SELECT o.number, o.funds_model, o.paid_fen, {OWED_BACK} AS back, sum(l.paid_fen) AS spent,
                               min(l.paid_fen) AS least,
                               sum(l.accepted_fen - l.returned_fen) AS kept,
                               {TO_COME} AS to_come
                          FROM orders o JOIN order_lines l ON l.order_id = o.id
                          LEFT JOIN acceptance_lines a ON a.order_line_id = l.id
                         GROUP BY o.id) x) y
         WHERE paid_fen <> spent + open + back AND funds_model = 'direct' OR greatest(paid_fen, 0) < spent OR least < 0
        """,
    ),
    Invariant(
        "recognised_after_the_money",
        "on no day is more of an order recognised than receipts had brought for it by then",
        "任何一天订单确认额不得超过当日累计到款",
        """
        WITH days AS (
          SELECT p.order_id, r.counts_on AS day, p.amount_fen AS fen
            FROM receipt_allocations p JOIN receipts r ON r.id = p.receipt_id
          UNION ALL
          SELECT l.order_id, t.effective_on,
                 CASE WHEN d.step IN ('recognised', 'disbursed', 'confirmed') THEN t.amount_fen ELSE 0 END
                 - CASE WHEN c.step IN ('recognised', 'disbursed', 'confirmed') THEN t.amount_fen ELSE 0 END
            FROM ledger_transfers t
            JOIN ledger_accounts d ON d.id = t.debit_account_id
            JOIN ledger_accounts c ON c.id = t.credit_account_id
            JOIN order_lines l ON l.id = t.order_line_id
        ), stood AS (
          SELECT order_id, day, sum(sum(fen)) OVER (PARTITION BY order_id ORDER BY day) AS unspent_fen
            FROM days GROUP BY order_id, day
        )
        SELECT concat_ws(' ', o.number, min(s.day)), '0 or more', min(s.unspent_fen)::text
          FROM stood s JOIN orders o ON o.id = s.order_id
         WHERE s.unspent_fen < 0
         GROUP BY o.number
        """,
    ),
    Invariant(
        "receipt_is_matched_whole",
        "what a receipt paid of orders sums to it",
        "到款已全额分配",
        """
        SELECT concat('receipt ', r.bank_reference), r.amount_fen::text, coalesce(sum(a.amount_fen), 0)::text
          FROM receipts r LEFT JOIN receipt_allocations a ON a.receipt_id = r.id
         GROUP BY r.id HAVING coalesce(sum(a.amount_fen), 0) <> r.amount_fen
        """,
    ),
    Invariant(
        "certificate_held_on_the_day",
        "the certificate of an order line was its supplier's and valid when it was ordered",
        "下单之日认定证书属于供应商且有效",
        """
        SELECT concat('order line ', l.id), concat('a certificate valid on ', o.placed_on),
               concat_ws(' ', l.certificate_number, c.valid_from, c.valid_to, s.event)
          FROM order_lines l
          JOIN orders o ON o.id = l.order_id
          JOIN order_groups g ON g.id = o.group_id
          LEFT JOIN certificates c ON c.number = l.certificate_number AND c.supplier_id = o.supplier_id
          LEFT JOIN LATERAL (SELECT event FROM certificate_changes h
                              WHERE h.certificate_id = c.id AND h.changed_at < g.placed_at
                              ORDER BY h.changed_at DESC, h.id DESC LIMIT 1) s ON true
         WHERE c.id IS NULL OR o.placed_on NOT BETWEEN c.valid_from AND c.valid_to OR s.event IN ('suspend', 'revoke')
        """,
    ),
    Invariant(
        "price_is_within_the_evidence",
        "no product is offered, and none was ordered, above the evidenced price of its certificate",
        "上架价与成交价均不高于认定时的举证价格",
        """
        SELECT concat('product ', p.id), concat('at most ', c.price_ceiling_fen), t.price_fen::text
          FROM price_tiers t
          JOIN products p ON p.id = t.product_id
          JOIN certificates c ON c.id = p.certificate_id
          JOIN applications a ON a.id = c.application_id
         WHERE CAST(t.price_fen AS numeric) * a.unit_milli > CAST(c.price_ceiling_fen AS numeric) * p.unit_milli
        UNION ALL
        SELECT concat('order line ', l.id), concat('at most ', c.price_ceiling_fen), l.unit_price_fen::text
          FROM order_lines l
          JOIN certificates c ON c.number = l.certificate_number
          JOIN applications a ON a.id = c.application_id
         WHERE CAST(l.unit_price_fen AS numeric) * a.unit_milli > CAST(c.price_ceiling_fen AS numeric) * l.unit_milli
        """,
    ),
    Invariant(
        "product_follows_the_plan_it_was_reviewed_with",
        "a product follows the benefit plan with which it was certified",
        "产品执行其认定时经审核的带农方案",
        """
        SELECT concat('product ', p.id), a.plan_id::text, p.plan_id::text
          FROM products p
          JOIN certificates c ON c.id = p.certificate_id
          JOIN applications a ON a.id = c.application_id
         WHERE p.plan_id <> a.plan_id
        """,
    ),
    Invariant(
        "plan_was_simulated",
        "a plan version was simulated between its submission and its approval",
        "方案版本经测算后才获批准",
        """
        SELECT concat('plan version ', v.id), 'simulated before it was approved', 'not'
          FROM plan_versions v
         WHERE v.status = 'approved' AND NOT EXISTS (
               SELECT FROM plan_simulations s
                WHERE s.plan_version_id = v.id AND s.version_status = 'submitted'
                  AND s.made_at <= v.decided_at)
        """,
    ),
    Invariant(
        "plan_has_its_hash",
        "a plan version has the hash of its bytes, and order lines pin it",
        "方案哈希与内容一致,且与订单行锁定值一致",
        """
        SELECT concat('plan version ', id), encode(sha256(canonical), 'hex'), sha256
          FROM plan_versions
         WHERE sha256 <> encode(sha256(canonical), 'hex') OR body <> convert_from(canonical, 'UTF8')::jsonb
        UNION ALL
        SELECT concat('order line ', l.id), v.sha256, l.plan_sha256
          FROM order_lines l JOIN plan_versions v ON v.id = l.plan_version_id WHERE l.plan_sha256 <> v.sha256
        """,
    ),
)
