"""Create what households earn and spend outside the market, baselines, lines of monitoring, published figures.

Items are facts: corrected by rows that reverse them. A confirmed baseline never changes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

REFUSE_CHANGE_OF_BASELINE = """
CREATE FUNCTION household_baselines_refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status <> 'proposed'
       OR (NEW.id, NEW.household_id, NEW.figure, NEW.amount_fen, NEW.period_from, NEW.period_to, NEW.source,
           NEW.stated_by, NEW.stated_at, NEW.replaces, NEW.reason)
          IS DISTINCT FROM
          (OLD.id, OLD.household_id, OLD.figure, OLD.amount_fen, OLD.period_from, OLD.period_to, OLD.source,
           OLD.stated_by, OLD.stated_at, OLD.replaces, OLD.reason)
    THEN
        RAISE EXCEPTION 'a baseline is decided once and never changes'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'household_baselines_never_change';
    END IF;
    RETURN NEW;
END $$
"""
# The lines that are known, with their sources; the operator adds the others. No source prints by how much expense must
# jump, nor how much may stay unchecked for how long: to twice as much, and by 10,000 yuan, and 1,000 yuan per head for
# 30 days, is a beginning.
KNOWN_LINES = """
INSERT INTO monitoring_lines
    (region_code, year, line_fen, jump_bp, jump_fen, unchecked_fen, unchecked_days, source)
VALUES
    ('', 2023, 730000, 20000, 1000000, 100000, 30, '全国防返贫监测信息系统疑点数据规则 1_02_006'),
    ('', 2024, 850000, 20000, 1000000, 100000, 30, '南康区防返贫监测政策问答(2024)'),
    ('53', 2025, 870000, 20000, 1000000, 100000, 30, '云农办通〔2025〕1号')
"""


def upgrade() -> None:
    """Create the tables and their guard, grant, and write down the lines that are known."""
    op.create_table(
        "account_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "wage_elsewhere",
                "public_post",
                "other_operating",
                "solar",
                "other_property",
                "living_allowance",
                "extreme_hardship",
                "pension",
                "family_planning",
                "ecological",
                "grain_to_green",
                "farmland",
                "veteran",
                "disability",
                "old_age",
                "reservoir",
                "insurance_top_up",
                "other_transfer",
                "gift",
                "temporary_relief",
                "purpose_tied",
                "operating_expense",
                "self_paid",
                name="itemkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("reverses", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("account_items_amount_is_positive")),
        sa.CheckConstraint("(reverses IS NULL) = (reason IS NULL)", name=op.f("account_items_reversal_has_a_reason")),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("account_items_household_id_exists")),
        sa.ForeignKeyConstraint(["recorded_by"], ["members.id"], name=op.f("account_items_recorded_by_exists")),
        sa.ForeignKeyConstraint(["reverses"], ["account_items.id"], name=op.f("account_items_reverses_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("account_items_pkey")),
        sa.UniqueConstraint("reverses", name="account_items_reversed_once"),
        sa.UniqueConstraint("id", "recorded_by", name="account_items_recorder_once"),
    )
    op.create_index("account_items_household_idx", "account_items", ["household_id", "occurred_on"], unique=False)
    op.create_table(
        "account_item_checks",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("checked_by", sa.Uuid(), nullable=False),
        sa.Column("checked_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("checked_by <> recorded_by", name=op.f("account_item_checks_recorder_is_not_checker")),
        sa.ForeignKeyConstraint(
            ["item_id", "recorded_by"],
            ["account_items.id", "account_items.recorded_by"],
            name="account_item_checks_item_exists",
        ),
        sa.ForeignKeyConstraint(["checked_by"], ["members.id"], name=op.f("account_item_checks_checked_by_exists")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("account_item_checks_pkey")),
    )
    op.create_table(
        "household_baselines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column(
            "figure",
            sa.Enum(
                "gross", "net", "net_per_head", name="figure", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "proposed",
                "confirmed",
                "rejected",
                name="baselinestatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("stated_by", sa.Uuid(), nullable=False),
        sa.Column("stated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("replaces", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(replaces IS NULL) = (reason IS NULL)", name=op.f("household_baselines_replacement_has_a_reason")
        ),
        sa.ForeignKeyConstraint(
            ["replaces"], ["household_baselines.id"], name=op.f("household_baselines_replaces_exists")
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> stated_by", name=op.f("household_baselines_maker_is_not_checker")
        ),
        sa.CheckConstraint(
            "(status IN ('confirmed', 'rejected')) = (decided_by IS NOT NULL AND decided_at IS NOT NULL)",
            name=op.f("household_baselines_decision_is_signed"),
        ),
        sa.CheckConstraint("period_to >= period_from", name=op.f("household_baselines_period_is_a_period")),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.id"], name=op.f("household_baselines_household_id_exists")
        ),
        sa.ForeignKeyConstraint(["stated_by"], ["members.id"], name=op.f("household_baselines_stated_by_exists")),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("household_baselines_decided_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("household_baselines_pkey")),
    )
    op.create_index("household_baselines_household_idx", "household_baselines", ["household_id", "figure"])
    op.create_index(
        "household_baselines_replaced_once",
        "household_baselines",
        ["replaces"],
        unique=True,
        postgresql_where=sa.text("status = 'confirmed'"),
    )
    op.create_index(
        "household_baselines_first_once",
        "household_baselines",
        ["household_id", "figure", "period_from"],
        unique=True,
        postgresql_where=sa.text("status = 'confirmed' AND replaces IS NULL"),
    )
    op.create_table(
        "monitoring_lines",
        sa.Column("region_code", sa.Text(), nullable=False),
        sa.Column("year", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line_fen", sa.BigInteger(), nullable=False),
        sa.Column("jump_bp", sa.BigInteger(), nullable=False),
        sa.Column("jump_fen", sa.BigInteger(), nullable=False),
        sa.Column("unchecked_fen", sa.BigInteger(), nullable=False),
        sa.Column("unchecked_days", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "region_code ~ '^([0-9]{2}([0-9]{2}([0-9]{2})?)?)?$'",
            name=op.f("monitoring_lines_region_is_county_or_above"),
        ),
        sa.CheckConstraint("year BETWEEN 2000 AND 2199", name=op.f("monitoring_lines_year_is_plausible")),
        sa.CheckConstraint(
            "line_fen > 0 AND jump_bp >= 10000 AND jump_fen > 0", name=op.f("monitoring_lines_line_is_positive")
        ),
        sa.CheckConstraint(
            "unchecked_fen > 0 AND unchecked_days > 0", name=op.f("monitoring_lines_unchecked_is_bounded")
        ),
        sa.PrimaryKeyConstraint("region_code", "year", name=op.f("monitoring_lines_pkey")),
    )
    op.create_table(
        "published_figures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "press",
                "forecast",
                "intent",
                "agreement",
                name="publishedkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("households", sa.BigInteger(), nullable=True),
        sa.Column("people", sa.BigInteger(), nullable=True),
        sa.Column("region_code", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("published_figures_amount_is_positive")),
        sa.CheckConstraint("households > 0 AND people > 0", name=op.f("published_figures_count_is_positive")),
        sa.CheckConstraint(
            "(amount_fen IS NULL) = (num_nonnulls(households, people) > 0)",
            name=op.f("published_figures_money_or_a_count"),
        ),
        sa.CheckConstraint("period_to >= period_from", name=op.f("published_figures_period_is_a_period")),
        sa.ForeignKeyConstraint(["recorded_by"], ["members.id"], name=op.f("published_figures_recorded_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("published_figures_pkey")),
    )
    op.execute(REFUSE_CHANGE_OF_BASELINE)
    op.execute(
        "CREATE TRIGGER decided_stays BEFORE UPDATE OR DELETE ON household_baselines"
        " FOR EACH ROW EXECUTE FUNCTION household_baselines_refuse_change()"
    )
    op.execute("ALTER TABLE household_baselines ENABLE ALWAYS TRIGGER decided_stays")
    op.execute(
        "GRANT SELECT, INSERT ON account_items, account_item_checks, monitoring_lines, published_figures TO market_app"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON household_baselines TO market_app")
    op.execute(KNOWN_LINES)
