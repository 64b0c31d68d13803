"""How the lines of the matrix about periods' distributions and what collectives give on are asked for."""

from tests.access.ask import Ask, item, said, thing
from tests.stalls import TODAY

SHARING = {
    "POST /v1/distributions shares": Ask(
        body=lambda asked: {
            "period_from": "2026-01-01",
            "period_to": TODAY,
            "formula": {"formula": "dividend", "register_version_id": asked.place.shares, "amount_fen": 100},
            "evidence": "成员大会决议",
        }
    ),
    "GET /v1/distributions distributions": Ask(thing("distribution"), lists=item()),
    "GET /v1/distributions/{distribution_id} distribution": Ask(thing("distribution")),
    "POST /v1/distributions/{distribution_id}/approval distribution": Ask(thing("distribution"), said(opinion="同意")),
    "POST /v1/distributions/{distribution_id}/rejection distribution": Ask(thing("distribution"), said(opinion="有误")),
    "POST /v1/annulments approved distribution": Ask(
        body=lambda asked: {
            "distribution_id": asked.place.shared_out,
            "reason": "名单有误",
            "evidence": "审计报告",
        }
    ),
    "POST /v1/annulments contribution": Ask(
        body=lambda asked: {
            "contribution_id": asked.place.contribution,
            "reason": "未交售",
            "evidence": "审计报告",
        }
    ),
    "GET /v1/annulments annulments": Ask(thing("annulment"), lists=item()),
    "GET /v1/annulments/{annulment_id} annulment": Ask(thing("annulment")),
    "POST /v1/annulments/{annulment_id}/approval annulment": Ask(thing("annulment"), said(opinion="属实")),
    "POST /v1/annulments/{annulment_id}/rejection annulment": Ask(thing("annulment"), said(opinion="不属实")),
    "GET /v1/pools pools": Ask(thing("supplier"), lists=item("supplier_id")),
    "POST /v1/second-distributions list": Ask(
        body=lambda asked: {
            "supplier_id": asked.place.supplier,
            "register_version_id": asked.place.own_list,
            "amount_fen": 50,
            "given_on": TODAY,
            "evidence": "签字表",
            "reference": "二次分配 2",
        }
    ),
    "GET /v1/second-distributions second": Ask(thing("second"), lists=item()),
    "POST /v1/second-distributions/{distribution_id}/approval stated": Ask(thing("stated"), said(opinion="同意")),
    "POST /v1/second-distributions/{distribution_id}/rejection stated": Ask(thing("stated"), said(opinion="有误")),
    "POST /v1/second-distributions/{distribution_id}/confirmation second": Ask(thing("second")),
    "GET /v1/collectives/{collective_id}/account collective": Ask(thing("collective")),
}
