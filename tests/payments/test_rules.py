"""What a receipt is refused for is said with its figures, in both languages."""

import pytest

from market.errors import MarketError
from market.payments.rules import NotPayableError, OverpaidError, ReceiptSumError, ReceiptTakenError


@pytest.mark.parametrize(
    ("error", "status", "code", "en", "zh"),
    [
        (ReceiptTakenError(reference="ICBC-1"), 409, "receipt_taken", "ICBC-1 is already recorded", "ICBC-1 已登记"),
        (ReceiptSumError(parts_fen=3, amount_fen=2), 422, "receipt_sum", "sum to 3 fen", "合计 3 分"),
        (OverpaidError(number="D1", payable_fen=5, amount_fen=6), 409, "overpaid", "paid 5 fen; 6", "尚可付款 5 分"),
        (NotPayableError(number="D1", order_status="expired"), 409, "not_payable", "D1 is expired", "当前状态(已过期)"),
    ],
)
def test_a_refused_receipt_says_what_does_not_fit(error: MarketError, status: int, code: str, en: str, zh: str) -> None:
    assert (error.status, error.code()) == (status, code)
    assert en in error.detail("en")
    assert zh in error.detail("zh")
