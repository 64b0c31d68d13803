"""The words for what the rooms of money write as codes; `market.words` is where sentences take them from."""

from collections.abc import Mapping

Words = Mapping[str, tuple[str, str]]

MONEY_THINGS: Words = {
    "bank_account": ("bank account", "银行账户"),
    "bank_line": ("line of a bank statement", "银行流水"),
    "matching": ("match", "到款匹配"),
    "online_payment": ("online payment", "在线支付"),
    "order_group": ("order group", "采购单"),
    "price_cut": ("price cut", "折让"),
    "proposal": ("match", "到款匹配"),
    "provider_account": ("account at the payment provider", "在线支付账户"),
    "provider_call": ("request to the payment provider", "支付机构请求"),
    "provider_event": ("event of the payment provider", "支付机构事件"),
    "refund": ("refund", "退款单"),
    "refund_file": ("file of refunds", "退款付款文件"),
    "settlement": ("settlement", "结算单"),
}
MONEY_FOUR_EYES: Words = {
    "bank_account": ("confirming a bank account", "银行账户核准"),
    "matching": ("deciding on a match", "到款匹配审批"),
    "refund": ("deciding on a refund", "退款审批"),
    "refund_failure": ("recording that a refund failed", "退款失败登记"),
    "refund_payment": ("recording that a refund was paid", "退款付款登记"),
    "refund_sending": ("sending a refund to another than paid", "向非付款人退款的付款"),
    "settlement": ("deciding on a settlement", "结算审批"),
    "settlement_failure": ("recording that a settlement with the bank failed", "结算失败登记"),
    "settlement_reversal": ("taking a transfer back", "追回结算款审批"),
}
PRICE_CUTS: Mapping[str, Words] = {
    "price_cut_status": {
        "offered": ("offered", "待采购方答复"),
        "accepted": ("accepted", "已同意"),
        "declined": ("declined", "已拒绝"),
        "withdrawn": ("withdrawn", "已撤回"),
    },
    "price_cut_event": {
        "accept": ("accepted", "同意"),
        "decline": ("declined", "拒绝"),
        "withdraw": ("withdrawn", "撤回"),
    },
}
MATCHING_STATUSES: Words = {
    "proposed": ("proposed", "待审批"),
    "approved": ("approved", "已批准"),
    "declined": ("declined", "已退回"),
}
DECISIONS: Words = {"approve": ("approved", "批准"), "decline": ("declined", "退回")}
ONLINE_STATUSES: Words = {
    "creating": ("being created", "创建中"),
    "open": ("waiting for the payer", "待付款"),
    "processing": ("being processed", "处理中"),
    "captured": ("paid", "已付款"),
    "cancelled": ("cancelled", "已取消"),
    "refused": ("refused", "已拒绝"),
}
CALL_STATUSES: Words = {
    "due": ("under way", "办理中"),
    "done": ("done", "已完成"),
    "refused": ("refused", "已拒绝"),
    "parked": ("parked", "已搁置"),
}
EVENT_STATUSES: Words = {
    "received": ("to be handled", "待处理"),
    "handled": ("handled", "已处理"),
    "parked": ("parked", "已搁置"),
}
REFUND_STATUSES: Words = {
    "requested": ("requested", "已申请"),
    "approved": ("approved", "已批准"),
    "declined": ("declined", "已退回"),
    "sent": ("sent", "已发出"),
    "succeeded": ("paid back", "已退款"),
    "failed": ("failed", "退款失败"),
    "rerouted": ("rerouted", "已改付"),
}
REFUND_EVENTS: Words = {
    "request": ("requested", "申请"),
    **DECISIONS,
    "send": ("sent", "发出"),
    "succeed": ("recorded as paid back", "登记退款"),
    "fail": ("recorded as failed", "登记失败"),
    "reroute": ("rerouted", "改付其他账户"),
}
SETTLEMENT_STATUSES: Words = {
    "draft": ("a draft", "草稿"),
    "approved": ("approved", "已批准"),
    "declined": ("declined", "已退回"),
    "instructed": ("handed to the bank", "付款中"),
    "confirmed": ("paid", "已到账"),
    "failed": ("failed", "付款失败"),
    "returned": ("returned", "已退汇"),
}
SETTLEMENT_EVENTS: Words = {
    **DECISIONS,
    "instruct": ("handed to the bank", "付款"),
    "confirm": ("confirmed", "确认到账"),
    "fail": ("recorded as failed", "登记失败"),
    "return": ("recorded as returned", "登记退汇"),
    "reverse": ("asked back", "申请追回"),
    "approve_reversal": ("approved to be taken back", "批准追回"),
    "decline_reversal": ("declined to be taken back", "退回追回申请"),
}
