"""The words for what plans, registers, distributions and annulments write as codes, for `market.words` to take."""

from collections.abc import Mapping

Words = Mapping[str, tuple[str, str]]

VERSION_STATUSES: Words = {
    "draft": ("a draft", "草稿"),
    "submitted": ("submitted", "已提交"),
    "approved": ("approved", "已批准"),
    "rejected": ("rejected", "已驳回"),
}
VERSION_EVENTS: Words = {
    "submit": ("submitted", "提交"),
    "simulate": ("simulated", "测算"),
    "approve": ("approved", "批准"),
    "reject": ("rejected", "驳回"),
}

ANNULMENT_STATUSES: Words = {
    "proposed": ("proposed", "待审批"),
    "approved": ("approved", "已批准"),
    "rejected": ("rejected", "已退回"),
}
ANNULMENT_EVENTS: Words = {"approve": ("approved", "批准"), "reject": ("rejected", "退回")}
DISTRIBUTION_STATUSES: Words = {**ANNULMENT_STATUSES, "annulled": ("annulled", "已撤销")}
DISTRIBUTION_EVENTS: Words = {**ANNULMENT_EVENTS, "annul": ("annulled", "撤销")}
