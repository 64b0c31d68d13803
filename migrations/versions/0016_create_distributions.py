"""Create distributions and second distributions with their lists.

The application's role may decide distributions and confirm second ones; of neither may it change anything else, and
of a list nothing at all.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, then grant."""
    op.execute('CREATE TYPE text_range AS RANGE (subtype = text, collation = "C")')
    op.create_table(
        "distributions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column(
            "mechanism",
            sa.Enum(
                "order_purchase",
                "patronage",
                "labour",
                "share_dividend",
                "custody",
                "collective_dividend",
                name="mechanism",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("inputs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("register_version_id", sa.Uuid(), nullable=True),
        sa.Column("register_sha256", sa.Text(), nullable=True),
        sa.Column("lot_ids", sa.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("list_sha256", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("kept_fen", sa.BigInteger(), nullable=False),
        sa.Column("remainder_fen", sa.BigInteger(), nullable=True),
        sa.Column("remainder_of", sa.Uuid(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "proposed",
                "approved",
                "rejected",
                "annulled",
                name="distributionstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("from_pool_fen", sa.BigInteger(), nullable=True),
        sa.Column("from_retained_fen", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(status <> 'proposed') = (decided_by IS NOT NULL AND decided_at IS NOT NULL)",
            name=op.f("distributions_decision_is_signed"),
        ),
        sa.CheckConstraint(
            "CASE WHEN status IN ('approved', 'annulled') THEN from_pool_fen + from_retained_fen = amount_fen"
            " ELSE num_nonnulls(from_pool_fen, from_retained_fen) = 0 END",
            name=op.f("distributions_amount_is_funded"),
        ),
        sa.CheckConstraint(
            "amount_fen > 0 AND kept_fen BETWEEN 0 AND amount_fen", name=op.f("distributions_amount_is_positive")
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> made_by", name=op.f("distributions_maker_is_not_checker")
        ),
        sa.CheckConstraint(
            "num_nonnulls(register_version_id, lot_ids) = 1", name=op.f("distributions_list_has_one_source")
        ),
        sa.CheckConstraint(
            "(inputs ->> 'formula' = 'patronage') = (remainder_fen IS NOT NULL)",
            name=op.f("distributions_remainder_is_of_a_return"),
        ),
        sa.CheckConstraint(
            "remainder_of IS NULL OR inputs ->> 'formula' = 'dividend'",
            name=op.f("distributions_remainder_goes_by_capital"),
        ),
        sa.CheckConstraint("trim(evidence) <> ''", name=op.f("distributions_evidence_is_named")),
        sa.CheckConstraint("period_from <= period_to", name=op.f("distributions_period_ends_after_it_begins")),
        sa.CheckConstraint(
            "starts_with(basis, (inputs ->> 'formula') || ':')", name=op.f("distributions_basis_is_of_its_formula")
        ),
        sa.CheckConstraint(
            "inputs ->> 'formula' <> 'custody' OR (inputs ->> 'months')::int <="
            " 12 * (date_part('year', period_to + 1) - date_part('year', period_from))"
            " + date_part('month', period_to + 1) - date_part('month', period_from)"
            " - (date_part('day', period_to + 1) < date_part('day', period_from))::int",
            name=op.f("distributions_months_are_of_the_period"),
        ),
        postgresql.ExcludeConstraint(
            (sa.text("text_range(basis, basis, '[]')"), "&&"),
            (sa.text("daterange(period_from, period_to, '[]')"), "&&"),
            where=sa.text("status NOT IN ('rejected', 'annulled')"),
            name="distributions_share_a_day_once",
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("distributions_decided_by_exists")),
        sa.ForeignKeyConstraint(["made_by"], ["members.id"], name=op.f("distributions_made_by_exists")),
        sa.ForeignKeyConstraint(
            ["register_version_id"], ["register_versions.id"], name=op.f("distributions_register_version_id_exists")
        ),
        sa.ForeignKeyConstraint(["remainder_of"], ["distributions.id"], name=op.f("distributions_remainder_of_exists")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("distributions_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("distributions_pkey")),
    )
    op.create_index(
        "distributions_share_a_remainder_once",
        "distributions",
        ["remainder_of"],
        unique=True,
        postgresql_where=sa.text("status NOT IN ('rejected', 'annulled')"),
    )
    op.create_index(op.f("distributions_supplier_id_idx"), "distributions", ["supplier_id"], unique=False)
    op.create_table(
        "second_distributions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("collective_id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("kept_fen", sa.BigInteger(), nullable=False),
        sa.Column("register_version_id", sa.Uuid(), nullable=False),
        sa.Column("register_sha256", sa.Text(), nullable=False),
        sa.Column("list_sha256", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("reference_key", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "proposed",
                "approved",
                "rejected",
                name="distributionstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(confirmed_by IS NULL) = (confirmed_at IS NULL)", name=op.f("second_distributions_confirmation_is_signed")
        ),
        sa.CheckConstraint(
            "(decided_by IS NULL OR decided_by <> made_by) AND (confirmed_by IS NULL OR confirmed_by <> made_by)",
            name=op.f("second_distributions_maker_is_not_checker"),
        ),
        sa.CheckConstraint(
            "(status <> 'proposed') = (decided_by IS NOT NULL AND decided_at IS NOT NULL)",
            name=op.f("second_distributions_decision_is_signed"),
        ),
        sa.CheckConstraint(
            "confirmed_at IS NULL OR status = 'approved'", name=op.f("second_distributions_confirmed_was_approved")
        ),
        sa.CheckConstraint(
            "kept_fen >= 0 AND kept_fen < amount_fen", name=op.f("second_distributions_something_is_given")
        ),
        sa.ForeignKeyConstraint(
            ["collective_id"], ["organisations.id"], name=op.f("second_distributions_collective_id_exists")
        ),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["members.id"], name=op.f("second_distributions_confirmed_by_exists")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("second_distributions_decided_by_exists")),
        sa.ForeignKeyConstraint(["made_by"], ["members.id"], name=op.f("second_distributions_made_by_exists")),
        sa.ForeignKeyConstraint(
            ["register_version_id"],
            ["register_versions.id"],
            name=op.f("second_distributions_register_version_id_exists"),
        ),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["organisations.id"], name=op.f("second_distributions_supplier_id_exists")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("second_distributions_pkey")),
    )
    op.create_index(
        "second_distributions_reference_once",
        "second_distributions",
        ["collective_id", "reference_key"],
        unique=True,
        postgresql_where=sa.text("status <> 'rejected'"),
    )
    op.create_index(
        op.f("second_distributions_collective_id_idx"), "second_distributions", ["collective_id"], unique=False
    )
    op.create_index(op.f("second_distributions_supplier_id_idx"), "second_distributions", ["supplier_id"], unique=False)
    op.create_table(
        "distribution_items",
        sa.Column("distribution_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("collective_id", sa.Uuid(), nullable=True),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("assisted", sa.Boolean(), nullable=True),
        sa.Column(
            "excluded",
            sa.Enum(
                "off_register", "not_enrolled", name="excluded", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
        sa.CheckConstraint(
            "num_nonnulls(household_id, collective_id) = 1", name=op.f("distribution_items_payee_is_one")
        ),
        sa.CheckConstraint("weight >= 0 AND fen >= 0", name=op.f("distribution_items_amounts_are_not_negative")),
        sa.ForeignKeyConstraint(
            ["collective_id"], ["organisations.id"], name=op.f("distribution_items_collective_id_exists")
        ),
        sa.ForeignKeyConstraint(
            ["distribution_id"], ["distributions.id"], name=op.f("distribution_items_distribution_id_exists")
        ),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.id"], name=op.f("distribution_items_household_id_exists")
        ),
        sa.PrimaryKeyConstraint("distribution_id", "position", name=op.f("distribution_items_pkey")),
    )
    op.create_index(op.f("distribution_items_household_id_idx"), "distribution_items", ["household_id"], unique=False)
    op.create_table(
        "second_distribution_items",
        sa.Column("distribution_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("assisted", sa.Boolean(), nullable=True),
        sa.Column(
            "excluded",
            sa.Enum(
                "off_register", "not_enrolled", name="excluded", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
        sa.CheckConstraint("weight >= 0 AND fen >= 0", name=op.f("second_distribution_items_amounts_are_not_negative")),
        sa.ForeignKeyConstraint(
            ["distribution_id"],
            ["second_distributions.id"],
            name=op.f("second_distribution_items_distribution_id_exists"),
        ),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.id"], name=op.f("second_distribution_items_household_id_exists")
        ),
        sa.PrimaryKeyConstraint("distribution_id", "position", name=op.f("second_distribution_items_pkey")),
    )
    op.create_index(
        op.f("second_distribution_items_household_id_idx"), "second_distribution_items", ["household_id"], unique=False
    )
    op.execute("GRANT SELECT, INSERT ON distribution_items, second_distribution_items TO market_app")
    op.execute("GRANT SELECT, INSERT ON distributions, second_distributions TO market_app")
    op.execute(
        "GRANT UPDATE (status, decided_by, decided_at, opinion, from_pool_fen, from_retained_fen) ON distributions"
        " TO market_app"
    )
    op.execute(
        "GRANT UPDATE (status, decided_by, decided_at, opinion, confirmed_by, confirmed_at) ON second_distributions"
        " TO market_app"
    )
