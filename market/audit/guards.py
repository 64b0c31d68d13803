"""What the migrations have put up around the tables: the triggers that guard them, and what the application may do.

Stated here once more, apart from them, so that the doctor sees what was taken down or added since; a test holds the
lists against a database as the migrations make it.
"""

from collections.abc import Collection, Mapping, Sequence

SCHEMAS = ("public", "vault")


def _stays(name: str, function: str, when: str = "DELETE OR UPDATE") -> str:
    return f"CREATE TRIGGER {name} BEFORE {when} ON {{}} FOR EACH ROW EXECUTE FUNCTION {function}()"


def _only_grows(function: str) -> tuple[str, str]:
    emptied = f"CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {{}} FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
    return _stays("refuse_change", function), emptied


_BOOK, _RECORD = _only_grows("ledger_refuse_change"), _only_grows("households_refuse_change")
_VERSION = (_stays("version_stays", "versions_refuse_change"),)

MONTHS = "public.ledger_transfers"
"""The table whose months are tables of their own, each guarded as a whole by `MONTH_GUARDS`."""

MONTH_GUARDS = _BOOK

GUARDS: Mapping[str, Sequence[str]] = {
    "public.bank_accounts": (_stays("closed_stays", "bank_accounts_keep_closed", "UPDATE"),),
    "public.baselines": (_stays("confirmed_stays", "baselines_refuse_change"),),
    "public.household_baselines": (_stays("decided_stays", "household_baselines_refuse_change"),),
    "public.ledger_accounts": _BOOK,
    "public.ledger_balances": _BOOK,
    "public.ledger_entries": (
        (
            "CREATE CONSTRAINT TRIGGER check_entry AFTER INSERT ON {} DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION ledger_check_entry()"
        ),
        *_BOOK,
        "CREATE TRIGGER stamp_entry BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION ledger_stamp_entry()",
    ),
    "public.ledger_periods": _BOOK,
    MONTHS: (
        (
            "CREATE TRIGGER check_transfers AFTER INSERT ON {} REFERENCING NEW TABLE AS posted"
            " FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_transfers()"
        ),
        *_BOOK,
    ),
    "public.personal_data_accesses": _RECORD,
    "public.plan_simulations": _only_grows("plan_simulations_refuse_change"),
    "public.plan_versions": _VERSION,
    "public.proxy_acts": _RECORD,
    "public.register_versions": _VERSION,
    "public.report_months": _BOOK,
    "public.report_rollups": _BOOK,
    "vault.household_keys": (_stays("destroyed_for_ever", "vault.household_keys_refuse_change"),),
    "vault.key_fingerprints": _RECORD,
}
"""Each guard of each table, as PostgreSQL words it, `{}` standing for the table; all are on always."""

GUARDING: Mapping[str, str] = {
    "bank_accounts_keep_closed": "0a07948207e924375eaec5269f5058cfbbac87e8153dea19bf8a0543df46f4ca",
    "baselines_refuse_change": "ece17b946c748c174d7f1055b361b447a5fd46ac41f0122bfb28d2fcf9009adc",
    "household_baselines_refuse_change": "1744f812ffe79267fb4a0bf13da17e48e4c31d45f33b2aa12cad23b6c17ac79d",
    "households_refuse_change": "dddcae624aca9d6f3b4575a99f8b44c2b3c3deb45309c4c0d897aa0bb10b1d5c",
    "ledger_check_entry": "5fb3b6aa941aa199c17952b8a35367f106d55e598699bae9f10dddc9c56c2429",
    "ledger_check_transfers": "ebd95ad741be328cdb061e4e694de153117be41aa6d4ce804089dc76c8e3de8a",
    "ledger_refuse_change": "a19fa38238173ce0be3c2b7707b02a2e5d0e77f0730571412e13f4cb16ac017c",
    "ledger_stamp_entry": "4948fd1b4a436b0232d6e318756b95a63df2161066ba79db7ec8196fd6e65ae8",
    "plan_simulations_refuse_change": "c0f4449606fd35a8b6acb9179ab0df3b285f4eca0603344c5d86745becd626db",
    "vault.household_keys_refuse_change": "5f6aa6f3d5cbb3e6fb14348a1afcdb87fb878ee025794900e2547c95e79dd54f",
    "versions_refuse_change": "cab559ae49b3f37524aff7ea6d6d36f290ec8efd763e1d84440638d933e42617",
}
"""The functions that guards call, with the SHA-256 of their source: one that lets all pass is no guard."""

READ_ALONE: Collection[str] = (
    "public.ledger_balances",
    "public.ledger_periods",
    "public.report_months",
    "public.report_moves",
    "public.report_rollups",
    "public.scheme_rules",
)
"""What the application reads and does not write; it may add to every other table, but not to the months of the book."""

OWNERS_ALONE: Collection[str] = ("public.alembic_version",)
"""What the application does not even read."""

OWNERS_SEQUENCES: Collection[str] = ("public.report_rollups_id_seq",)
"""From which the application takes no number; it takes the next, and sets none, of all others."""

DELETED: Collection[str] = ("public.price_tiers",)
"""From which the application may delete."""

CHANGED_WHOLE: Collection[str] = (
    "public.applications",
    "public.baselines",
    "public.certificates",
    "public.confirmation_codes",
    "public.consents",
    "public.credentials",
    "public.enrolments",
    "public.erasures",
    "public.household_baselines",
    "public.households",
    "public.lots",
    "public.members",
    "public.objections",
    "public.order_lines",
    "public.orders",
    "public.organisations",
    "public.pay_list_lines",
    "public.pay_lists",
    "public.payments",
    "public.people",
    "public.plan_versions",
    "public.plans",
    "public.price_tiers",
    "public.products",
    "public.regions",
    "public.register_versions",
    "public.registers",
    "public.release_carries",
    "public.reservations",
    "vault.household_keys",
)
"""Of which the application may change every column: rows with a life of their own, some of them under a guard."""

CHANGED: Mapping[str, Collection[str]] = {
    "public.annulments": ("status", "decided_by", "decided_at", "opinion", "approval_id"),
    "public.bank_accounts": ("confirmed_by", "confirmed_at", "closed_by", "closed_at", "closing_reason"),
    "public.bank_lines": ("open_fen", "waiting"),
    "public.contributions": ("annulment_id",),
    "public.connected_accounts": ("takes_transfers", "pays_out", "due", "seen_at"),
    "public.disputes": ("status", "ended_on", "seen_at"),
    "public.distributions": (
        *("status", "decided_by", "decided_at", "opinion"),
        *("from_pool_fen", "from_retained_fen"),
    ),
    "public.matching_proposals": ("status", "waited_for", "decided_by", "decided_at"),
    "public.online_payments": (
        *("status", "provider_id", "charge_id", "client_secret", "next_url", "fault"),
        *("bank_line_id", "seen_at"),
    ),
    "public.price_cuts": ("status", "decided_by", "decided_at", "declined_because"),
    "public.provider_calls": (
        *("attempt", "status", "tries", "unfound", "is_unclear", "is_withdrawn", "first_sent_at", "last_sent_at"),
        *("next_at", "fault", "object_id"),
    ),
    "public.provider_events": ("status", "tries", "next_at", "handled_at", "fault"),
    "public.provider_movements": ("released_on", "payment_id"),
    "public.provider_sweeps": ("whole_until", "whole_at", "told_fen", "booked_fen", "swept_at"),
    "public.refunds": (
        *("replaces_id", "route", "account_id", "file_id", "payee_bank", "status", "fault", "provider_id"),
        *("left_line_id", "back_line_id", "bank_reference", "reference_key", "supplier_id", "decided_by"),
        *("succeeded_on", "seen_at"),
    ),
    "public.second_distributions": ("status", "decided_by", "decided_at", "opinion", "confirmed_by", "confirmed_at"),
    "public.settlements": (
        *("status", "decided_by", "instructed_on", "paid_on", "bank_line_id", "reversal_asked_by"),
        *("reversal_approved_by", "returned_on", "return_line_id"),
    ),
}
"""Of which the application may change these columns alone."""
