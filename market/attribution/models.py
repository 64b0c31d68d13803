"""Tables: disbursements, evidence, lists to pay, confirmations. The book is the ledger's."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Base, new_id


class Disbursement(Base):
    """A batch of payments that a supplier made to households and collectives."""

    __tablename__ = "disbursements"
    __table_args__ = (
        sa.CheckConstraint("method <> 'cash' OR countersigned_by <> made_by", name="cash_takes_two"),
        sa.CheckConstraint("method <> 'cash' OR countersigned_by IS NOT NULL", name="cash_is_countersigned"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    paid_on: orm.Mapped[date]
    method: orm.Mapped[str]
    evidence: orm.Mapped[str]
    made_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    made_at: orm.Mapped[datetime]
    countersigned_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))


class Payment(Base):
    """One payment of a disbursement to one payee; its reference (bank line, purchase invoice) is used once.

    `reference_key` is the reference as `identifiers.reference_key` reads it. The number of a purchase invoice is used
    once in the whole market. What a reversed payment used is free again; but a reference that a bank was given, by a
    list, stays spent.
    """

    __tablename__ = "payments"
    __table_args__ = (
        sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),
        sa.CheckConstraint("num_nonnulls(household_id, collective_id) = 1", name="payee_is_one"),
        sa.CheckConstraint("invoice_number ~ '^[0-9]{20}$'", name="invoice_number_is_20_digits"),
        sa.CheckConstraint("invoice_number IS NULL OR household_id IS NOT NULL", name="invoice_is_of_a_household"),
        sa.CheckConstraint("confirmed_at IS NULL OR reversed_at IS NULL", name="received_or_reversed"),
        sa.Index(
            "payments_reference_once",
            "supplier_id",
            "reference_key",
            unique=True,
            postgresql_where=sa.text("reversed_at IS NULL"),
        ),
        sa.Index(
            "payments_invoice_once", "invoice_number", unique=True, postgresql_where=sa.text("reversed_at IS NULL")
        ),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    disbursement_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("disbursements.id"), index=True)
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    household_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("households.id"), index=True)
    collective_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    contribution_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("contributions.id"))
    amount_fen: orm.Mapped[int]
    reference: orm.Mapped[str]
    reference_key: orm.Mapped[str]
    invoice_number: orm.Mapped[str | None]
    confirmed_at: orm.Mapped[datetime | None]
    confirmed_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    reversed_at: orm.Mapped[datetime | None]


class PaymentReversal(Base):
    """A payment that its payee never had: typed wrongly, or come back from the bank. It stays on record as reversed."""

    __tablename__ = "payment_reversals"

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    payment_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("payments.id"), unique=True)
    reversed_on: orm.Mapped[date]
    reason: orm.Mapped[str]
    made_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    made_at: orm.Mapped[datetime]


class EvidenceContent(Base):
    """The bytes of evidence, once however often they were uploaded. The database checks their hash itself.

    A photograph may show a person's papers: a backup of the public schema has none.
    """

    __tablename__ = "evidence_contents"
    __table_args__ = (
        sa.CheckConstraint("sha256 = encode(sha256(content), 'hex')", name="hash_is_of_the_bytes"),
        sa.CheckConstraint("size_count = octet_length(content)", name="size_is_of_the_bytes"),
        {"schema": "vault"},
    )

    sha256: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    content: orm.Mapped[bytes] = orm.mapped_column(deferred=True)
    size_count: orm.Mapped[int]
    media_type: orm.Mapped[str]


class Evidence(Base):
    """A file that an organisation put forward: who, when, and when it was captured, as stated and as the camera noted.

    `looks` is a hash of what a picture looks like, by which one that was saved again is noticed.
    """

    __tablename__ = "evidences"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "sha256", name="evidences_uploaded_once"),)

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    sha256: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("vault.evidence_contents.sha256"), index=True)
    organisation_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    stated_on: orm.Mapped[date | None]
    taken_at: orm.Mapped[datetime | None]
    looks: orm.Mapped[int | None]
    uploaded_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    uploaded_at: orm.Mapped[datetime]


class Confirmation(Base):
    """One act by which payments were confirmed: by a village clerk for the households, or by a household's own code.

    Who printed the code saw it, and could have typed it: so that it is told who, and when.
    """

    __tablename__ = "confirmations"
    __table_args__ = (
        sa.CheckConstraint("means IN ('village_clerk', 'household_code')", name="means_is_known"),
        sa.CheckConstraint("(means = 'village_clerk') = (made_by IS NOT NULL)", name="clerk_is_named"),
        sa.CheckConstraint(
            "num_nonnulls(code_issued_by, code_issued_at) = CASE means WHEN 'household_code' THEN 2 ELSE 0 END",
            name="code_has_its_printer",
        ),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    means: orm.Mapped[str]
    made_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    note: orm.Mapped[str | None]
    made_at: orm.Mapped[datetime]
    code_issued_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    code_issued_at: orm.Mapped[datetime | None]


class ConfirmedPayment(Base):
    """A payment that an act confirmed: for the household or collective that the payment names."""

    __tablename__ = "confirmed_payments"

    payment_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("payments.id"), primary_key=True)
    confirmation_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("confirmations.id"), index=True)


class EvidenceUse(Base):
    """What a file proves: one disbursement, or one act of confirmation, in the whole market.

    It takes a turn more when all payments of the disbursement that it proved have been reversed: the bank's slip of a
    mistyped payment proves the one that was meant.
    """

    __tablename__ = "evidence_uses"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(disbursement_id, confirmation_id) = 1", name="one_thing_is_proved"),
    )

    sha256: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("vault.evidence_contents.sha256"), primary_key=True)
    turn: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    evidence_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("evidences.id"), index=True)
    disbursement_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("disbursements.id"), index=True)
    confirmation_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("confirmations.id"), index=True)
    used_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    used_at: orm.Mapped[datetime]


class EvidenceReading(Base):
    """Who looked at the bytes of a file, and when: a photograph may show persons."""

    __tablename__ = "evidence_readings"

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    evidence_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("evidences.id"), index=True)
    read_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    read_at: orm.Mapped[datetime]


class PaymentTerms(Base):
    """Within how many days of recognition a supplier pays, by region prefix, from a day on; the longest prefix wins."""

    __tablename__ = "payment_terms"
    __table_args__ = (sa.CheckConstraint("within_days > 0", name="days_are_positive"),)

    region_code: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    valid_from: orm.Mapped[date] = orm.mapped_column(primary_key=True)
    within_days: orm.Mapped[int]
    set_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))


class PayList(Base):
    """Payments to be made: by the bank, whose result says which were; or in cash, before a second person signs.

    Nothing of it is in the book: what was paid becomes a disbursement.
    """

    __tablename__ = "pay_lists"
    __table_args__ = (
        sa.CheckConstraint("method IN ('bank_transfer', 'cash')", name="method_is_known"),
        sa.CheckConstraint("status IN ('open', 'settled', 'withdrawn')", name="status_is_known"),
        sa.CheckConstraint("(method = 'cash') = (paid_on IS NOT NULL)", name="cash_has_its_day"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    method: orm.Mapped[str]
    status: orm.Mapped[str]
    paid_on: orm.Mapped[date | None]
    evidence: orm.Mapped[str]
    made_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    made_at: orm.Mapped[datetime]


class PayListLine(Base):
    """One payment of a list; its reference is the supplier's, and is spent also when the payment failed."""

    __tablename__ = "pay_list_lines"
    __table_args__ = (
        sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),
        sa.CheckConstraint("num_nonnulls(household_id, collective_id) = 1", name="payee_is_one"),
        sa.CheckConstraint("invoice_number IS NULL OR household_id IS NOT NULL", name="invoice_is_of_a_household"),
        sa.CheckConstraint("status IN ('open', 'paid', 'failed', 'withdrawn')", name="status_is_known"),
        sa.CheckConstraint("(status = 'paid') = (payment_id IS NOT NULL)", name="paid_has_its_payment"),
        sa.CheckConstraint(
            "reason IN ('name_mismatch', 'no_such_account', 'account_closed', 'account_blocked', 'wrong_bank',"
            " 'over_limit', 'payer_short', 'other')",
            name="reason_is_known",
        ),
        sa.Index(
            "pay_list_lines_reference_once",
            "supplier_id",
            "reference_key",
            unique=True,
            postgresql_where=sa.text("status <> 'withdrawn'"),
        ),
        sa.Index(
            "pay_list_lines_invoice_once", "invoice_number", unique=True, postgresql_where=sa.text("status = 'open'")
        ),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    pay_list_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("pay_lists.id"), index=True)
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    position: orm.Mapped[int]
    household_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("households.id"))
    collective_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    contribution_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("contributions.id"))
    amount_fen: orm.Mapped[int]
    reference: orm.Mapped[str]
    reference_key: orm.Mapped[str]
    invoice_number: orm.Mapped[str | None]
    status: orm.Mapped[str]
    payment_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("payments.id"), unique=True)
    reason: orm.Mapped[str | None]


class BankResult(Base):
    """A bank's result file that was taken over. The file names account holders, so only its hash is kept."""

    __tablename__ = "bank_results"

    pay_list_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("pay_lists.id"), primary_key=True)
    file_sha256: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    answer: orm.Mapped[dict[str, Any]]
    imported_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    imported_at: orm.Mapped[datetime]


class ConfirmationCode(Base):
    """The code by which a household confirms one payment: printed for it alone, kept as a slow hash, few attempts."""

    __tablename__ = "confirmation_codes"

    payment_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("payments.id"), primary_key=True)
    code_hash: orm.Mapped[str]
    attempt_count: orm.Mapped[int]
    issued_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    issued_at: orm.Mapped[datetime]
    used_at: orm.Mapped[datetime | None]
