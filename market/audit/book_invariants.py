"""Invariants of the book: whole entries, conservation, nobody below zero, payments accounted for.

Each query returns what breaks the sentence, as `(subject, expected, found)` texts.
"""

# ruff: noqa: S608 - statements are put together from the fragments of this file alone

from market.attribution.paying import Method
from market.audit.rules import Invariant

_METHODS = ", ".join(f"'{method}'" for method in Method)

_STANDINGS = """
    WITH standing AS (
      SELECT m.order_line_id, a.kind, a.owner_id, a.counterpart_id, a.step, m.mechanism, m.contribution_id,
             m.payment_id, sum(m.fen) AS fen
        FROM (SELECT credit_account_id AS account_id, order_line_id, mechanism, contribution_id, assisted, payment_id,
                     amount_fen AS fen
                FROM ledger_transfers WHERE book = 'attribution'
              UNION ALL
              SELECT debit_account_id, order_line_id, mechanism, contribution_id, assisted, payment_id, -amount_fen
                FROM ledger_transfers WHERE book = 'attribution') m
        JOIN ledger_accounts a ON a.id = m.account_id
       GROUP BY a.id, m.order_line_id, m.mechanism, m.contribution_id, m.assisted, m.payment_id
    )
"""
_NEGATIVE = """
    SELECT concat_ws(' ', kind, owner_id, step, order_line_id, mechanism), '0 or more', sum(fen)::text
      FROM standing
     WHERE kind IN ('household', 'collective', 'retained', 'pool', 'suspense') AND step IN ({steps})
     GROUP BY kind, owner_id, step, order_line_id, mechanism, contribution_id
    HAVING sum(fen) < 0
"""
_RELEASED = """
    WITH released AS (
      SELECT t.contribution_id,
             sum(CASE WHEN d.kind IN ('base', 'top_up_base') THEN t.amount_fen ELSE 0 END)
             - sum(CASE WHEN c.kind IN ('base', 'top_up_base') THEN t.amount_fen ELSE 0 END) AS fen
        FROM ledger_transfers t
        JOIN ledger_accounts d ON d.id = t.debit_account_id
        JOIN ledger_accounts c ON c.id = t.credit_account_id
       WHERE t.contribution_id IS NOT NULL
       GROUP BY t.contribution_id
    )
"""

BOOK: tuple[Invariant, ...] = (
    Invariant(
        "entry_is_whole",
        "an entry has the transfers that it declares",
        "凭证的分录与其声明一致",
        """
        SELECT e.source, concat(e.transfer_count, ' of ', e.total_fen), concat(coalesce(t.transfers, 0), ' of ',
               coalesce(t.fen, 0))
          FROM ledger_entries e
          LEFT JOIN (SELECT entry_id, count(*) AS transfers, sum(amount_fen) AS fen, max(position) + 1 AS positions
                       FROM ledger_transfers GROUP BY entry_id) t ON t.entry_id = e.id
         WHERE (t.transfers, t.fen, t.positions) IS DISTINCT FROM (e.transfer_count, e.total_fen, e.transfer_count)
        """,
    ),
    Invariant(
        "fact_posts_once",
        "a fact posts under one source, once",
        "同一事实只入账一次",
        "SELECT source, '1', count(*)::text FROM ledger_entries GROUP BY source HAVING count(*) > 1",
    ),
    Invariant(
        "books_do_not_mix",
        "entry and both accounts of a transfer are of one book",
        "凭证及借贷双方账户属于同一账簿",
        """
        SELECT concat(e.source, ' ', t.position), t.book, concat_ws(' ', e.book, d.book, c.book)
          FROM ledger_transfers t
          JOIN ledger_entries e ON e.id = t.entry_id
          JOIN ledger_accounts d ON d.id = t.debit_account_id
          JOIN ledger_accounts c ON c.id = t.credit_account_id
         WHERE t.book <> ALL (ARRAY[e.book]) OR t.book <> d.book OR t.book <> c.book
        """,
    ),
    Invariant(
        "line_is_conserved",
        "households + collectives + pools + suspense + retained = net amount accepted less returns and price cuts",
        "农户+村集体+资金池+待处理+留存=验收净额减退货及折让",
        _STANDINGS
        + """
        SELECT concat('order line ', coalesce(l.id, s.order_line_id)), coalesce(l.net_fen, 0)::text,
               coalesce(s.fen, 0)::text
          FROM (SELECT id, accepted_net_fen - returned_net_fen AS net_fen FROM order_lines) l
          FULL JOIN (SELECT order_line_id, sum(fen) AS fen FROM standing
                      WHERE kind IN ('household', 'collective', 'retained', 'pool', 'suspense')
                        AND step IN ('accrued', 'recognised', 'disbursed', 'confirmed')
                      GROUP BY order_line_id) s ON s.order_line_id = l.id
         WHERE coalesce(l.net_fen, 0) <> coalesce(s.fen, 0)
        """,
    ),
    Invariant(
        "share_is_never_negative",
        "nobody's share of a line is below zero",
        "任何份额不得为负",
        _STANDINGS + _NEGATIVE.format(steps="'accrued', 'disbursed', 'confirmed', 'top_up', 'top_up_paid'"),
    ),
    Invariant(
        "disbursed_was_recognised",
        "no more is disbursed of a share than was recognised",
        "兑付不得超过确认",
        _STANDINGS + _NEGATIVE.format(steps="'recognised'"),
    ),
    Invariant(
        "advance_is_never_negative",
        "no more of a payment is matched than was paid ahead",
        "核销不得超过预付",
        _STANDINGS
        + """
        SELECT concat_ws(' ', kind, owner_id, 'payment', payment_id), '0 or more', sum(fen)::text
          FROM standing
         WHERE step = 'advance' AND kind <> 'paid_ahead'
         GROUP BY kind, owner_id, payment_id, contribution_id
        HAVING sum(fen) < 0
        """,
    ),
    Invariant(
        "what_is_owed_was_not_paid_ahead",
        # A top-up may wait: what is accrued will claim the advance before it.
        "nobody is owed a share of an order that was paid ahead: for its contribution, one it was carried from, or all",
        "已预付的(就该投入、其转出前的投入或未指定投入)不得再列为应付",
        _STANDINGS
        + """
        , ahead AS (
          SELECT s.kind, owner_id, counterpart_id, s.contribution_id, p.invoice_number IS NOT NULL AS invoiced,
                 sum(fen) AS fen
            FROM standing s JOIN payments p ON p.id = s.payment_id WHERE step = 'advance' AND s.kind <> 'paid_ahead'
           GROUP BY s.kind, owner_id, counterpart_id, s.contribution_id, invoiced
          HAVING sum(fen) > 0
        ), owed AS (
          SELECT kind, owner_id, counterpart_id, contribution_id, order_line_id,
                 mechanism IN ('order_purchase', 'consignment', 'contracting') AS is_produce, sum(fen) AS fen
            FROM standing WHERE step = 'recognised' AND kind IN ('household', 'collective')
           GROUP BY kind, owner_id, counterpart_id, contribution_id, order_line_id, is_produce
          HAVING sum(fen) > 0
        )
        SELECT concat_ws(' ', kind, owner_id, 'line', o.order_line_id), '0', least(o.fen, a.fen)::text
          FROM owed o JOIN ahead a USING (kind, owner_id, counterpart_id)
         WHERE (o.is_produce OR NOT a.invoiced) AND (a.contribution_id IS NULL OR a.contribution_id IN (
                WITH RECURSIVE up AS (
                    SELECT o.contribution_id AS id
                     UNION ALL
                    SELECT c.carried_from FROM up JOIN contributions c ON c.id = up.id)
                SELECT id FROM up))
        """,
    ),
    Invariant(
        "nothing_leaves_before_it_came",
        "no share and no advance was below zero on any day",
        "任何一天任何份额或预付不得为负",
        """
        WITH moves AS (
          SELECT credit_account_id AS account_id, effective_on AS day, order_line_id, mechanism, contribution_id,
                 payment_id, amount_fen AS fen
            FROM ledger_transfers WHERE book = 'attribution'
          UNION ALL
          SELECT debit_account_id, effective_on, order_line_id, mechanism, contribution_id, payment_id, -amount_fen
            FROM ledger_transfers WHERE book = 'attribution'
        ), days AS (
          SELECT a.kind, a.owner_id, a.step, o.line, o.mechanism, o.contribution, o.payment, m.day,
                 sum(m.fen) AS fen, a.id AS account_id
            FROM moves m
            JOIN ledger_accounts a
              ON a.id = m.account_id AND a.kind IN ('household', 'collective', 'retained', 'pool', 'suspense')
            CROSS JOIN LATERAL (SELECT
                 CASE WHEN a.step <> 'advance' THEN m.order_line_id END AS line,
                 CASE WHEN a.step <> 'advance' THEN m.mechanism END AS mechanism,
                 CASE WHEN a.step <> 'advance' THEN m.contribution_id END AS contribution,
                 CASE WHEN a.step IN ('disbursed', 'confirmed', 'top_up_paid', 'advance')
                      THEN m.payment_id END AS payment) o
           GROUP BY a.id, o.line, o.mechanism, o.contribution, o.payment, m.day
        ), stood AS (
          SELECT days.*, sum(fen) OVER (place ORDER BY day) AS standing_fen, sum(fen) OVER place AS left_fen
            FROM days
          WINDOW place AS (PARTITION BY account_id, line, mechanism, contribution, payment)
        )
        SELECT concat_ws(' ', kind, owner_id, step, line, mechanism, payment, day), '0 or more', standing_fen::text
          FROM stood
         WHERE standing_fen < 0 AND left_fen >= 0
        """,
    ),
    Invariant(
        "contribution_releases_at_most_itself",
        "a contribution has released no more than its amount, and not less than nothing",
        "投入释放额不得超过其金额,也不得为负",
        _RELEASED
        + """
        SELECT concat('contribution ', r.contribution_id), concat('0 to ', coalesce(c.amount_fen, 0)), r.fen::text
          FROM released r LEFT JOIN contributions c ON c.id = r.contribution_id
         WHERE r.fen < 0 OR c.proceeds_bp IS NULL AND r.fen > coalesce(c.amount_fen, 0)
        """,
    ),
    Invariant(
        "sold_out_lot_releases_all",
        # A return takes from all that its line brought, also from lots of which not a gram came back.
        "a lot that is accepted whole has released every contribution to the fen, less what returns took of it",
        "全部验收的批次,其投入须释放至分毫不差(退货扣减除外)",
        _RELEASED
        + """
        SELECT concat('lot ', l.number, ' contribution ', c.id), c.amount_fen::text,
               concat_ws(' + ', coalesce(r.fen, 0), coalesce(k.fen, 0))
          FROM lots l
          JOIN contributions c ON c.lot_id = l.id
          LEFT JOIN released r ON r.contribution_id = c.id
          LEFT JOIN release_carries k ON k.contribution_id = c.id AND EXISTS (
               SELECT FROM reservations v JOIN return_lines b ON b.order_line_id = v.order_line_id
                WHERE v.lot_id = l.id AND b.quantity_milli > 0)
         WHERE l.accepted_milli = l.quantity_milli AND coalesce(r.fen, 0) + coalesce(k.fen, 0) <> c.amount_fen
           AND c.annulment_id IS NULL
        """,
    ),
    Invariant(
        "carry_is_what_is_left",
        "released + carried into other lots + carry = the part of the amount that is drawn",
        "已释放+随批转出+结转=按提取比例应释放额",
        _RELEASED
        + """
        SELECT concat('lot ', l.number, ' contribution ', c.id),
               div(c.amount_fen::numeric * (l.accepted_milli + l.moved_milli), l.quantity_milli)::text,
               concat_ws(' + ', coalesce(r.fen, 0), coalesce(o.fen, 0), coalesce(k.fen, 0))
          FROM contributions c
          JOIN lots l ON l.id = c.lot_id
          LEFT JOIN released r ON r.contribution_id = c.id
          LEFT JOIN release_carries k ON k.contribution_id = c.id
          LEFT JOIN (SELECT n.carried_from, sum(n.amount_fen) AS fen
                       FROM contributions n JOIN lots m ON m.id = n.lot_id AND m.status <> 'discarded'
                      GROUP BY n.carried_from) o
            ON o.carried_from = c.id
         WHERE coalesce(r.fen, 0) + coalesce(o.fen, 0) + coalesce(k.fen, 0)
            <> div(c.amount_fen::numeric * (l.accepted_milli + l.moved_milli), l.quantity_milli)
           AND c.annulment_id IS NULL
        """,
    ),
    Invariant(
        "payment_is_accounted_for",
        "disbursed + confirmed + top-up paid + what is left of the advance = the payment; nothing of one reversed",
        "兑付+确认+补差已付+预付余额=付款金额;已冲销的付款无余额",
        _STANDINGS
        + """
        SELECT concat('payment ', coalesce(p.id, s.payment_id)), coalesce(p.amount_fen, 0)::text,
               coalesce(s.fen, 0)::text
          FROM (SELECT p.id, CASE WHEN p.reversed_at IS NULL THEN p.amount_fen ELSE 0 END AS amount_fen
                  FROM payments p) p
          FULL JOIN (SELECT payment_id, sum(fen) AS fen FROM standing
                      WHERE step IN ('disbursed', 'confirmed', 'top_up_paid', 'advance') AND kind <> 'paid_ahead'
                      GROUP BY payment_id) s ON s.payment_id = p.id
         WHERE coalesce(p.amount_fen, 0) <> coalesce(s.fen, 0)
        """,
    ),
    Invariant(
        "recognised_was_paid",
        "no more of a line is recognised than the buyer paid for it",
        "订单行确认额不得超过买方已付额",
        _STANDINGS
        + """
        SELECT concat('order line ', s.order_line_id), concat('at most ', coalesce(l.paid_fen, 0)), sum(s.fen)::text
          FROM standing s LEFT JOIN order_lines l ON l.id = s.order_line_id
         WHERE s.kind IN ('household', 'collective', 'retained', 'pool', 'suspense')
           AND s.step IN ('recognised', 'disbursed', 'confirmed')
         GROUP BY s.order_line_id, l.paid_fen
        HAVING sum(s.fen) > coalesce(l.paid_fen, 0)
        """,
    ),
    Invariant(
        "reversal_names_who_acted",
        "a payment is reversed by one act, of another person than recorded it",
        "兑付冲销由登记人以外的人员办理,且仅一次",
        """
        SELECT concat('payment ', p.id), concat_ws(' / ', p.reversed_at, 'not ' || d.made_by),
               concat_ws(' / ', r.made_at, r.made_by)
          FROM payments p
          JOIN disbursements d ON d.id = p.disbursement_id
          LEFT JOIN payment_reversals r ON r.payment_id = p.id
         WHERE p.reversed_at IS DISTINCT FROM r.made_at OR r.made_by = d.made_by
        """,
    ),
    Invariant(
        "disbursement_has_evidence",
        # A file may come days later, or never: `GET /v1/monitoring/evidence` lists what was paid without any.
        "a disbursement says in words what proves it, and how it was paid; a payment has a reference, or its invoice",
        "兑付须写明凭证与付款方式,付款须有凭证号,以收购发票兑付的凭证号即发票号码",
        f"""
        SELECT concat('disbursement ', id), 'evidence and method', concat_ws(' / ', evidence, method)
          FROM disbursements WHERE trim(evidence) = '' OR method NOT IN ({_METHODS})
        UNION ALL
        SELECT concat('payment ', id), 'a reference', reference FROM payments WHERE trim(reference) = ''
        UNION ALL
        SELECT concat('payment ', p.id), concat('invoice ', p.reference), coalesce(p.invoice_number, 'none')
          FROM payments p JOIN disbursements d ON d.id = p.disbursement_id
         WHERE d.method = '{Method.PURCHASE_INVOICE}' AND p.invoice_number IS DISTINCT FROM p.reference
        UNION ALL
        SELECT concat('disbursement ', id), 'payments', '0' FROM disbursements d
         WHERE NOT EXISTS (SELECT FROM payments p WHERE p.disbursement_id = d.id)
        """,
    ),
    Invariant(
        "evidence_is_what_was_uploaded",
        "the bytes of an evidence file have its hash, and what a file proves names a file with these bytes",
        "凭证文件内容与其哈希一致,所证明事项引用的即为该文件",
        """
        SELECT concat('evidence ', left(sha256, 12)), sha256, encode(sha256(content), 'hex')
          FROM vault.evidence_contents WHERE sha256 <> encode(sha256(content), 'hex')
        UNION ALL
        SELECT concat('evidence ', e.id), u.sha256, e.sha256
          FROM evidence_uses u JOIN evidences e ON e.id = u.evidence_id WHERE e.sha256 <> u.sha256
        UNION ALL
        SELECT concat('evidence ', e.id), 'its bytes', 'none'
          FROM evidences e LEFT JOIN vault.evidence_contents c ON c.sha256 = e.sha256 WHERE c.sha256 IS NULL
        """,
    ),
    Invariant(
        "cash_was_countersigned",
        "cash was written down by one person and countersigned by another",
        "现金兑付由一人登记、另一人会签",
        """
        SELECT concat('disbursement ', id), 'two persons', concat_ws(' / ', made_by, countersigned_by)
          FROM disbursements
         WHERE method = 'cash' AND (countersigned_by IS NULL OR countersigned_by = made_by)
        """,
    ),
    Invariant(
        "listed_payment_was_made",
        "a payment that a list says was made is that payment: its payee, amount, reference and invoice",
        "清单标记已付的款项与兑付记录的收款方、金额、凭证号、发票号码一致",
        """
        SELECT concat('line ', l.reference), concat_ws(' / ', l.household_id, l.collective_id, l.amount_fen,
                                                       l.reference_key, l.invoice_number, l.contribution_id),
               concat_ws(' / ', p.household_id, p.collective_id, p.amount_fen, p.reference_key, p.invoice_number,
                         p.contribution_id)
          FROM pay_list_lines l LEFT JOIN payments p ON p.id = l.payment_id
         WHERE l.status = 'paid'
           AND (l.supplier_id, l.household_id, l.collective_id, l.amount_fen, l.reference_key, l.invoice_number,
                l.contribution_id)
               IS DISTINCT FROM
               (p.supplier_id, p.household_id, p.collective_id, p.amount_fen, p.reference_key, p.invoice_number,
                p.contribution_id)
        """,
    ),
    Invariant(
        "confirmation_names_who_acted",
        "a confirmed payment says by which act it was, of a village clerk or of the household, and no other",
        "已确认兑付须记录确认人或农户确认码,且仅此一次",
        """
        SELECT concat('payment ', p.id), concat_ws(' / ', p.confirmed_at, p.confirmed_by),
               concat_ws(' / ', c.made_at, c.made_by)
          FROM payments p
          LEFT JOIN confirmed_payments a ON a.payment_id = p.id
          LEFT JOIN confirmations c ON c.id = a.confirmation_id
         WHERE (p.confirmed_at, p.confirmed_by) IS DISTINCT FROM (c.made_at, c.made_by)
        """,
    ),
    Invariant(
        "closed_month_keeps_its_balances",
        "the balances of a closed month are the sums of its transfers and have its hash",
        "已结账月份的余额与分录合计及其哈希一致",
        """
        WITH summed AS (
          SELECT p.book, p.month, m.account_id, sum(m.fen)::bigint AS fen
            FROM ledger_periods p
            JOIN (SELECT book, effective_on, credit_account_id AS account_id, amount_fen AS fen FROM ledger_transfers
                  UNION ALL
                  SELECT book, effective_on, debit_account_id, -amount_fen FROM ledger_transfers) m
              ON m.book = p.book AND m.effective_on < p.month + interval '1 month'
           GROUP BY 1, 2, 3
        ), both_ways AS (
          SELECT 'sums' AS way, book, month, account_id, fen FROM summed
           UNION ALL
          SELECT 'kept', book, month, account_id, balance_fen FROM ledger_balances
        )
        SELECT concat_ws(' ', p.book, to_char(p.month, 'YYYY-MM'), w.way), p.balances_sha256, d.digest
          FROM ledger_periods p
          CROSS JOIN (VALUES ('sums'), ('kept')) AS w (way)
          CROSS JOIN LATERAL (
               SELECT encode(sha256(coalesce(string_agg(concat(b.account_id, ':', b.fen), ','
                                                        ORDER BY b.account_id), '')::bytea), 'hex') AS digest
                 FROM both_ways b WHERE b.way = w.way AND b.book = p.book AND b.month = p.month) d
         WHERE d.digest <> p.balances_sha256
        """,
    ),
)
