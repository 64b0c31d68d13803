"""What is done to settle: drafted, approved by another, instructed; told by the bank and confirmed, or transferred."""

from tests.crash.asking import Answer, Case, Deed, Effect, Request, amount_told, posted, today
from tests.crash.online import look
from tests.payments.bank import Movement, export


def _settled(event: str, by: str = "") -> str:
    return f"""
        SELECT s.id, s.amount_fen FROM settlement_changes c JOIN settlements s ON s.id = c.settlement_id
         WHERE c.event = '{event}' {by}
    """


def _settlement(case: Case, what: str = "") -> str:
    return f"/settlements/{case.answers['draft']['id']}{what}"


def _draft(case: Case) -> Request:
    return posted("/settlements", supplier_id=case.stall.supplier, funds_model=case.funds_model)


def _leave(case: Case) -> Request:
    drafted = case.answers["draft"]
    told = Movement(-drafted["amount_fen"], f"结算 {drafted['number']}", f"S-{case.reference}", on=today())
    return Request(f"/bank-accounts/{case.stall.custody}/statements", export(told), "text/csv")


def _left(case: Case, answer: Answer) -> Effect:
    return Effect(answer["id"], case.answers["draft"]["amount_fen"])


DRAFT = Deed("draft", by="custodian", asked=_draft, told=amount_told, found="SELECT id, amount_fen FROM settlements")
AGREE = Deed(
    "agree",
    by="colleague",
    asked=lambda case: posted(_settlement(case, "/decision"), event="approve"),
    told=amount_told,
    found=_settled("approve"),
)
INSTRUCT = Deed(
    "instruct",
    by="custodian",
    asked=lambda case: posted(_settlement(case, "/instruction")),
    told=amount_told,
    found=_settled("instruct"),
)
LEAVE = Deed(
    "leave",
    by="custodian",
    asked=_leave,
    told=_left,
    found="""
        SELECT statement_id, CAST(sum(-amount_fen) AS bigint) FROM bank_lines
         WHERE statement_id IS NOT NULL AND amount_fen < 0 GROUP BY statement_id
    """,
)
SETTLE = Deed(
    "settle",
    by="custodian",
    asked=lambda case: posted(_settlement(case, "/confirmation")),
    told=amount_told,
    found=_settled("confirm", by="AND c.changed_by IS NOT NULL"),
)
TRANSFERRED = Deed(
    "transferred",
    by="custodian",
    asked=lambda case: look(_settlement(case)),
    until="confirmed",
    told=amount_told,
    found=_settled("confirm", by="AND c.changed_by IS NULL"),
)
