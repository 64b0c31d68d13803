"""What a receipt must be."""

from market.errors import MarketError


class ReceiptTakenError(MarketError):
    """One bank line counts once."""

    status = 409
    en = "The bank reference {reference} is already recorded."
    zh = "银行流水号 {reference} 已登记。"


class ReceiptSumError(MarketError):
    """A plain receipt is matched whole."""

    en = "The parts for the orders sum to {parts_fen} fen, the receipt is {amount_fen} fen."
    zh = "各订单金额合计 {parts_fen} 分,与到款 {amount_fen} 分不符。"


class OrderNamedTwiceError(MarketError):
    """One part of a receipt for each order that it pays."""

    en = "This order is named twice; give it one part of the receipt."
    zh = "该订单重复列出,请合并为一项。"


class OverpaidError(MarketError):
    """Amounts that do not fit wait; they are never guessed."""

    status = 409
    en = "The order {number} can still be paid {payable_fen} fen; {amount_fen} were given."
    zh = "订单 {number} 尚可付款 {payable_fen} 分,所填为 {amount_fen} 分。"


class NotPayableError(MarketError):
    """An order that was given up takes no money."""

    status = 409
    en = "The order {number} is {order_status}; it takes no payment."
    zh = "订单 {number} 当前状态({order_status})不可收款。"
