"""Guard the ledger: sealed entries, closed months, nothing changed; privileges of the application's role.

The application's role owns nothing. In the ledger it may SELECT and INSERT; months are opened and closed by functions
of the owner. Triggers are ENABLE ALWAYS, so that they also bite in a replication session.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

REFUSE_CHANGE = """
CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % on % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'MK002';
END $$
"""

STAMP_ENTRY = """
CREATE FUNCTION ledger_stamp_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- Closing a month takes this lock exclusively, so that no posting slips past it.
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('ledger_month:' || NEW.book, 0));
    IF EXISTS (SELECT FROM ledger_periods WHERE book = NEW.book AND month >= date_trunc('month', NEW.effective_on)) THEN
        RAISE EXCEPTION 'the month of % is closed', NEW.effective_on USING ERRCODE = 'MK001';
    END IF;
    NEW.recorded_at := clock_timestamp();
    NEW.xid := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$
"""

CHECK_TRANSFERS = """
CREATE FUNCTION ledger_check_transfers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- An entry's transfers come in one statement, complete, in the transaction of their entry: it is sealed by that.
    IF EXISTS (
        SELECT FROM (SELECT entry_id, count(*) AS transfers, sum(amount_fen) AS total_fen, max(position) AS last
                       FROM posted GROUP BY entry_id) p
          JOIN ledger_entries e ON e.id = p.entry_id
         WHERE e.xid <> pg_current_xact_id()::text::bigint
            OR e.transfer_count <> p.transfers OR e.total_fen <> p.total_fen OR e.transfer_count <> p.last + 1
    ) THEN
        RAISE EXCEPTION 'these transfers are not the whole of an entry of this transaction' USING ERRCODE = 'MK003';
    END IF;
    RETURN NULL;
END $$
"""

CHECK_ENTRY = """
CREATE FUNCTION ledger_check_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_transfers WHERE entry_id = NEW.id AND effective_on = NEW.effective_on) THEN
        RAISE EXCEPTION 'entry % has no transfers', NEW.source USING ERRCODE = 'MK003';
    END IF;
    RETURN NULL;
END $$
"""

OPEN_MONTH = """
CREATE FUNCTION ledger_open_month(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', day);
    partition text := 'ledger_transfers_' || to_char(day, 'YYYYMM');
BEGIN
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger_partition', 0));
    -- Asked of the catalogue: what to_regclass remembers may be from before the wait for the lock.
    IF NOT EXISTS (SELECT FROM pg_class WHERE relname = partition AND relnamespace = 'public'::regnamespace) THEN
        -- Attached, not created in place: that would wait for every reader of the transfers, and make all wait.
        EXECUTE format('CREATE TABLE %I (LIKE ledger_transfers INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition);
        EXECUTE format('ALTER TABLE ledger_transfers ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       partition, first, first + interval '1 month');
        EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %I '
                       'EXECUTE FUNCTION ledger_refuse_change()', partition);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER refuse_truncate', partition);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER refuse_change', partition);
    END IF;
END $$
"""

WHY_NOT_CLOSE = """
CREATE FUNCTION ledger_why_not_close(closing_book text, closing_month date) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN EXISTS (SELECT FROM ledger_periods WHERE book = closing_book AND month >= closing_month)
        THEN 'it is closed'
        -- Whatever lies before the last closed month was closed with it, and is not read again.
        WHEN EXISTS (SELECT FROM ledger_entries
                      WHERE book = closing_book AND effective_on < closing_month
                        AND effective_on >= coalesce((SELECT CAST(max(month) + interval '1 month' AS date)
                                                        FROM ledger_periods WHERE book = closing_book), '-infinity'))
        THEN 'an earlier month is open'
    END
$$
"""

CLOSE_MONTH = """
CREATE FUNCTION ledger_close_month(closing_book text, closing_month date, closer uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    digest text;
    last date;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger_month:' || closing_book, 0));
    IF ledger_why_not_close(closing_book, closing_month) IS NOT NULL
       OR closing_month <> date_trunc('month', closing_month)
       OR closing_month >= date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai') THEN
        RAISE EXCEPTION 'the month % cannot be closed', closing_month USING ERRCODE = 'MK001';
    END IF;
    -- What the last closed month came to, and what moved since: a month closes as fast in the tenth year.
    SELECT max(month) INTO last FROM ledger_periods WHERE book = closing_book;
    CREATE TEMP TABLE closing ON COMMIT DROP AS
        SELECT account_id, sum(fen)::bigint AS balance_fen
          FROM (SELECT account_id, balance_fen AS fen FROM ledger_balances WHERE book = closing_book AND month = last
                UNION ALL
                SELECT credit_account_id, amount_fen FROM ledger_transfers
                 WHERE book = closing_book AND effective_on < closing_month + interval '1 month'
                   AND effective_on >= coalesce(last + interval '1 month', '-infinity')
                UNION ALL
                SELECT debit_account_id, -amount_fen FROM ledger_transfers
                 WHERE book = closing_book AND effective_on < closing_month + interval '1 month'
                   AND effective_on >= coalesce(last + interval '1 month', '-infinity')) moves
         GROUP BY account_id;
    SELECT encode(sha256(coalesce(string_agg(account_id || ':' || balance_fen, ',' ORDER BY account_id), '')::bytea),
                  'hex') INTO digest FROM closing;
    INSERT INTO ledger_periods (book, month, closed_at, closed_by, balances_sha256)
    VALUES (closing_book, closing_month, clock_timestamp(), closer, digest);
    INSERT INTO ledger_balances (account_id, month, book, balance_fen)
    SELECT account_id, closing_month, closing_book, balance_fen FROM closing;
    DROP TABLE closing;
    RETURN digest;
END $$
"""

APPEND_ONLY = ("ledger_accounts", "ledger_entries", "ledger_transfers", "ledger_periods", "ledger_balances")
FUNCTIONS = (REFUSE_CHANGE, STAMP_ENTRY, CHECK_TRANSFERS, CHECK_ENTRY, OPEN_MONTH, WHY_NOT_CLOSE, CLOSE_MONTH)

TRIGGERS = (
    ("ledger_entries", "stamp_entry", "BEFORE INSERT", "FOR EACH ROW EXECUTE FUNCTION ledger_stamp_entry()"),
    (
        "ledger_transfers",
        "check_transfers",
        "AFTER INSERT",
        "REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_transfers()",
    ),
    *(
        (table, "refuse_change", "BEFORE UPDATE OR DELETE", "FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()")
        for table in APPEND_ONLY
    ),
    *(
        (table, "refuse_truncate", "BEFORE TRUNCATE", "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()")
        for table in APPEND_ONLY
    ),
)


def upgrade() -> None:
    """Create the functions and triggers, then grant."""
    for function in FUNCTIONS:
        op.execute(function)
    for table, name, when, what in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} ON {table} {what}")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    op.execute(
        "CREATE CONSTRAINT TRIGGER check_entry AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION ledger_check_entry()"
    )
    op.execute("ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER check_entry")
    op.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC")
    op.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO market_app")
    op.execute("GRANT SELECT, INSERT ON ledger_accounts, ledger_entries, ledger_transfers TO market_app")
    op.execute("GRANT SELECT ON ledger_periods, ledger_balances TO market_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO market_app")
