"""Create the rollups: what closed months of the book sum to, by whatever reports are cut by.

The view says what a movement of the book means to a report; rollups are sums over it, and what is not rolled up is
read from it. The application may read both, and ask for a closed month to be rolled up; it writes neither.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

FIGURES = (
    "accrued_fen",
    "recognised_fen",
    "disbursed_fen",
    "confirmed_fen",
    "matched_fen",
    "top_up_fen",
    "top_up_paid_fen",
    "advance_fen",
)

# Both outer joins by key vanish from the plan of whoever does not ask for what they bring.
MOVES = """
CREATE VIEW report_moves AS
SELECT m.effective_on, coalesce(a.counterpart_id, a.owner_id) AS supplier_id, l.order_id, l.id AS order_line_id,
       l.product_id, CAST(date_trunc('month', l.accepted_on) AS date) AS accepted_month, a.kind, a.owner_id,
       CASE WHEN a.step <> 'advance' THEN m.mechanism END AS mechanism, m.assisted, p.disbursement_id,
       CASE WHEN a.step IN ('accrued', 'recognised', 'disbursed', 'confirmed') THEN m.fen ELSE 0 END AS accrued_fen,
       CASE WHEN a.step IN ('recognised', 'disbursed', 'confirmed') THEN m.fen ELSE 0 END AS recognised_fen,
       CASE WHEN a.step IN ('disbursed', 'confirmed') THEN m.fen ELSE 0 END AS disbursed_fen,
       CASE WHEN a.step = 'confirmed' THEN m.fen ELSE 0 END AS confirmed_fen,
       CASE WHEN a.step IN ('disbursed', 'confirmed') AND m.fen > 0 AND e.reason = 'matching'
            THEN m.fen ELSE 0 END AS matched_fen,
       CASE WHEN a.step IN ('top_up', 'top_up_paid') THEN m.fen ELSE 0 END AS top_up_fen,
       CASE WHEN a.step = 'top_up_paid' THEN m.fen ELSE 0 END AS top_up_paid_fen,
       CASE WHEN a.step = 'advance' THEN m.fen ELSE 0 END AS advance_fen
  FROM (SELECT credit_account_id AS account_id, entry_id, effective_on, order_line_id, mechanism, payment_id, assisted,
               amount_fen AS fen
          FROM ledger_transfers WHERE book = 'attribution'
        UNION ALL
        SELECT debit_account_id, entry_id, effective_on, order_line_id, mechanism, payment_id, assisted, -amount_fen
          FROM ledger_transfers WHERE book = 'attribution') m
  JOIN ledger_accounts a ON a.id = m.account_id AND a.kind NOT IN ('base', 'top_up_base', 'paid_ahead')
  LEFT JOIN order_lines l ON l.id = m.order_line_id AND a.step <> 'advance'
  LEFT JOIN ledger_entries e ON e.id = m.entry_id
  LEFT JOIN payments p ON p.id = m.payment_id
"""

ROLL_UP = """
CREATE FUNCTION report_roll_up() RETURNS date
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    due date;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('report_rollups', 0));
    -- Months close in order and are rolled up in order: what is rolled up is all that lies before some day.
    SELECT min(month) INTO due FROM ledger_periods
     WHERE book = 'attribution' AND month > coalesce((SELECT max(month) FROM report_months), '-infinity');
    IF due IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO report_months (month, book, rolled_up_at) VALUES (due, 'attribution', clock_timestamp());
    INSERT INTO report_rollups (month, supplier_id, buyer_id, channel_code, product_id, accepted_month, kind, owner_id,
                                mechanism, assisted, disbursement_id, accrued_fen, recognised_fen, disbursed_fen,
                                confirmed_fen, matched_fen, top_up_fen, top_up_paid_fen, advance_fen)
    SELECT due, m.supplier_id, o.buyer_id, o.channel_code, m.product_id, m.accepted_month, m.kind, m.owner_id,
           m.mechanism, m.assisted, m.disbursement_id, sum(m.accrued_fen), sum(m.recognised_fen), sum(m.disbursed_fen),
           sum(m.confirmed_fen), sum(m.matched_fen), sum(m.top_up_fen), sum(m.top_up_paid_fen), sum(m.advance_fen)
      FROM report_moves m
      LEFT JOIN orders o ON o.id = m.order_id
     WHERE m.effective_on >= due AND m.effective_on < due + interval '1 month'
     GROUP BY m.supplier_id, o.buyer_id, o.channel_code, m.product_id, m.accepted_month, m.kind, m.owner_id,
              m.mechanism, m.assisted, m.disbursement_id;
    RETURN due;
END $$
"""


def upgrade() -> None:
    """Create the tables, the view and the function, guard them, then grant."""
    op.create_table(
        "report_months",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column(
            "book",
            sa.Enum("cash", "attribution", name="book", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("rolled_up_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["book", "month"], ["ledger_periods.book", "ledger_periods.month"], name="rolled_up_month_is_closed"
        ),
        sa.PrimaryKeyConstraint("month", name=op.f("report_months_pkey")),
    )
    op.create_table(
        "report_rollups",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=True),
        sa.Column("channel_code", sa.Text(), nullable=True),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("accepted_month", sa.Date(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("mechanism", sa.Text(), nullable=True),
        sa.Column("assisted", sa.Boolean(), nullable=True),
        sa.Column("disbursement_id", sa.Uuid(), nullable=True),
        *(sa.Column(figure, sa.BigInteger(), nullable=False) for figure in FIGURES),
        sa.ForeignKeyConstraint(["month"], ["report_months.month"], name=op.f("report_rollups_month_exists")),
        sa.PrimaryKeyConstraint("month", "id", name=op.f("report_rollups_pkey")),
    )
    op.create_index("report_rollups_product_idx", "report_rollups", ["product_id", "accepted_month"], unique=False)
    op.create_index("report_rollups_buyer_idx", "report_rollups", ["buyer_id", "accepted_month"], unique=False)
    op.create_index("report_rollups_accepted_idx", "report_rollups", ["accepted_month"], unique=False)
    op.execute(MOVES)
    op.execute(ROLL_UP)
    for table in ("report_months", "report_rollups"):
        for trigger, when in (
            ("refuse_change", "BEFORE UPDATE OR DELETE ON {} FOR EACH ROW"),
            ("refuse_truncate", "BEFORE TRUNCATE ON {} FOR EACH STATEMENT"),
        ):
            op.execute(f"CREATE TRIGGER {trigger} {when.format(table)} EXECUTE FUNCTION ledger_refuse_change()")
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
    op.execute("REVOKE ALL ON FUNCTION report_roll_up() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION report_roll_up() TO market_app")
    op.execute("GRANT SELECT ON report_months, report_rollups, report_moves TO market_app")
