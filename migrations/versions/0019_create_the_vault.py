"""Create the people of the households, in ciphertext; their keys in a schema of their own; who read what.

Accesses and proxy acts are only ever added. A destroyed key stays destroyed, and no key is removed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

REFUSE_CHANGE = """
CREATE FUNCTION households_refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'what was recorded of personal data stays: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only';
END $$
"""

KEEP_KEY_DESTROYED = """
CREATE FUNCTION vault.household_keys_refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.destroyed_at IS NOT NULL
       OR (NEW.household_id, NEW.key_id, NEW.made_at) IS DISTINCT FROM (OLD.household_id, OLD.key_id, OLD.made_at)
    THEN
        RAISE EXCEPTION 'a data key is re-wrapped or destroyed, once and for ever, and never replaced'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'household_keys_destroyed_for_ever';
    END IF;
    RETURN NEW;
END $$
"""

APPEND_ONLY = ("personal_data_accesses", "proxy_acts", "vault.key_fingerprints")


def upgrade() -> None:
    """Create the tables and the guards, then grant."""
    op.create_table(
        "key_fingerprints",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("key_fingerprints_pkey")),
        schema="vault",
    )
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("resident_id", sa.LargeBinary(), nullable=True),
        sa.Column("relation", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("bank_name", sa.LargeBinary(), nullable=True),
        sa.Column("bank_account", sa.LargeBinary(), nullable=True),
        sa.Column("health", sa.LargeBinary(), nullable=True),
        sa.Column("masked", sa.LargeBinary(), nullable=False),
        sa.Column("resident_id_index", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("bank_account_index", sa.LargeBinary(), nullable=True),
        sa.Column("departed_on", sa.Date(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("people_household_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("people_pkey")),
    )
    op.create_index(op.f("people_bank_account_index_idx"), "people", ["bank_account_index"], unique=False)
    op.create_index(op.f("people_household_id_idx"), "people", ["household_id"], unique=False)
    op.create_index(op.f("people_phone_index_idx"), "people", ["phone_index"], unique=False)
    op.create_index(
        "people_resident_id_index_once",
        "people",
        ["resident_id_index"],
        unique=True,
        postgresql_where="departed_on IS NULL",
    )
    op.create_index(
        "people_departed_idx",
        "people",
        ["resident_id_index"],
        unique=False,
        postgresql_where="departed_on IS NOT NULL",
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "payment_details",
                "public_disclosure",
                name="consentpurpose",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("withdrawn_on", sa.Date(), nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(withdrawn_on IS NULL) = (withdrawn_by IS NULL)", name=op.f("consents_withdrawal_has_a_recorder")
        ),
        sa.CheckConstraint("valid_until > valid_from", name=op.f("consents_consent_is_for_a_period")),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("consents_household_id_exists")),
        sa.ForeignKeyConstraint(["recorded_by"], ["members.id"], name=op.f("consents_recorded_by_exists")),
        sa.ForeignKeyConstraint(["withdrawn_by"], ["members.id"], name=op.f("consents_withdrawn_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("consents_pkey")),
        sa.UniqueConstraint(
            "household_id", "purpose", "valid_from", name=op.f("consents_household_id_purpose_valid_from_once")
        ),
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "requested",
                "carried_out",
                "rejected",
                name="erasurestatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("shared_with", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(status = 'requested') = (decided_at IS NULL)", name=op.f("erasures_decision_has_an_instant")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("erasures_decided_by_exists")),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("erasures_household_id_exists")),
        sa.ForeignKeyConstraint(["requested_by"], ["members.id"], name=op.f("erasures_requested_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("erasures_pkey")),
    )
    op.create_index(
        "erasures_household_id_once", "erasures", ["household_id"], unique=True, postgresql_where="status <> 'rejected'"
    )
    op.create_table(
        "personal_data_accesses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "reveal",
                "search",
                "comparison",
                name="accesskind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "supplier_clerk",
                "supplier_manager",
                "buyer_clerk",
                "buyer_receiver",
                "township_reviewer",
                "trade_reviewer",
                "county_reviewer",
                "village_clerk",
                "finance_officer",
                "auditor",
                "operator",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("acting_for", sa.Uuid(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "payment",
                "identity_check",
                "assistance",
                "subject_request",
                "audit",
                name="purpose",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("household_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("fields", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("person_count", sa.BigInteger(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("accessed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["acting_for"], ["organisations.id"], name=op.f("personal_data_accesses_acting_for_exists")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("personal_data_accesses_member_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("personal_data_accesses_pkey")),
    )
    op.create_index(
        "personal_data_accesses_household_ids_idx",
        "personal_data_accesses",
        ["household_ids"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        "personal_data_accesses_member_id_accessed_at_idx",
        "personal_data_accesses",
        ["member_id", "accessed_at"],
        unique=False,
    )
    op.create_table(
        "proxy_acts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column(
            "deed",
            sa.Enum(
                "consent_given",
                "consent_withdrawn",
                "confirmation_code_printed",
                "payment_confirmed",
                "erasure_requested",
                "enrolment_confirmed",
                "second_distribution_confirmed",
                "account_item_recorded",
                "account_item_reversed",
                "baseline_stated",
                name="deed",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("about_id", sa.Uuid(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("acting_for", sa.Uuid(), nullable=False),
        sa.Column("acted_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["acting_for"], ["organisations.id"], name=op.f("proxy_acts_acting_for_exists")),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("proxy_acts_household_id_exists")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("proxy_acts_member_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("proxy_acts_pkey")),
    )
    op.create_index(op.f("proxy_acts_household_id_idx"), "proxy_acts", ["household_id"], unique=False)
    op.create_table(
        "household_keys",
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("master_version", sa.BigInteger(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("destroyed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("destroyed_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(wrapped, destroyed_at) = 1 AND num_nulls(destroyed_at, destroyed_by, reason) IN (0, 3)",
            name=op.f("household_keys_destroyed_by_somebody_for_a_reason"),
        ),
        sa.ForeignKeyConstraint(["destroyed_by"], ["members.id"], name=op.f("household_keys_destroyed_by_exists")),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("household_keys_household_id_exists")),
        sa.PrimaryKeyConstraint("household_id", name=op.f("household_keys_pkey")),
        sa.UniqueConstraint("key_id", name=op.f("household_keys_key_id_once")),
        schema="vault",
    )
    op.create_index(
        op.f("household_keys_master_version_idx"), "household_keys", ["master_version"], unique=False, schema="vault"
    )
    op.execute(REFUSE_CHANGE)
    for table in APPEND_ONLY:
        for name, when, each in (
            ("refuse_change", "UPDATE OR DELETE", "ROW"),
            ("refuse_truncate", "TRUNCATE", "STATEMENT"),
        ):
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {when} ON {table}"
                f" FOR EACH {each} EXECUTE FUNCTION households_refuse_change()"
            )
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    op.execute(KEEP_KEY_DESTROYED)
    op.execute(
        "CREATE TRIGGER destroyed_for_ever BEFORE UPDATE OR DELETE ON vault.household_keys"
        " FOR EACH ROW EXECUTE FUNCTION vault.household_keys_refuse_change()"
    )
    op.execute("ALTER TABLE vault.household_keys ENABLE ALWAYS TRIGGER destroyed_for_ever")
    op.execute("GRANT SELECT, INSERT, UPDATE ON vault.household_keys TO market_app")
    op.execute("GRANT SELECT, INSERT ON vault.key_fingerprints TO market_app")
    op.execute("GRANT SELECT, INSERT ON personal_data_accesses, proxy_acts TO market_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON people, consents, erasures TO market_app")
