"""Callers who may not, lists that cannot be read, requests that are none."""

import json

from tests.bad_input.fair import INVALID, LINE, NOBODY, Ask, Case

CASES: list[Case] = [
    # Who asks
    ("an expired token", lambda f: f.place(desk=f.expired), 401, "token_expired", []),
    ("a revoked token", lambda f: f.place(desk=f.revoked_token), 401, "token_expired", []),
    ("a member locked out", lambda f: f.place(desk=f.locked_out), 401, "token_expired", []),
    ("no token", lambda f: f.place(headers={"Authorization": None}), 401, "unauthenticated", []),
    ("a token of nobody", lambda f: f.place(headers={"Authorization": "Bearer mt_0"}), 401, "unauthenticated", []),
    (
        "a token of another scheme",
        lambda f: f.place(headers={"Authorization": f.orderer.bearer["Authorization"].replace("Bearer", "Basic")}),
        401,
        "unauthenticated",
        [],
    ),
    ("a scheme without a token", lambda f: f.place(headers={"Authorization": "Bearer "}), 401, "unauthenticated", []),
    ("a role that may not", lambda f: f.place(desk=f.receiver), 403, "forbidden", []),
    ("a key whose scopes do not reach", lambda f: f.place(desk=f.keyed), 403, "forbidden", []),
    ("no Idempotency-Key", lambda f: f.place(headers={"Idempotency-Key": None}), 400, "missing_idempotency_key", []),
    (
        "an empty Idempotency-Key",
        lambda f: f.place(headers={"Idempotency-Key": ""}),
        400,
        "missing_idempotency_key",
        [],
    ),
    (
        "an Idempotency-Key too long",
        lambda f: f.place(headers={"Idempotency-Key": "k" * 201}),
        422,
        INVALID,
        ["/header/idempotency-key"],
    ),
    (
        "an Idempotency-Key reused",
        lambda f: f.place(payment_days=7, headers={"Idempotency-Key": "taken"}),
        409,
        "idempotency_key_reused",
        [],
    ),
    # Reading
    ("an unknown parameter of a list", lambda f: f.get("/orders?color=red"), 422, INVALID, ["/query/color"]),
    (
        "an unknown parameter of one thing",
        lambda f: f.get(f"/orders/{f.placed_order['id']}?color=red"),
        422,
        INVALID,
        ["/query/color"],
    ),
    ("a broken cursor", lambda f: f.get("/orders?cursor=%21%21"), 422, INVALID, ["/query/cursor"]),
    ("a cursor of another list", lambda f: f.get("/orders?cursor=YWJj"), 422, INVALID, ["/query/cursor"]),
    ("a cursor with a null", lambda f: f.get("/orders?cursor=AA"), 422, INVALID, ["/query/cursor"]),
    ("a limit of zero", lambda f: f.get("/orders?limit=0"), 422, INVALID, ["/query/limit"]),
    ("a limit too high", lambda f: f.get("/receipts?limit=101"), 422, INVALID, ["/query/limit"]),
    ("a limit that is no number", lambda f: f.get("/orders?limit=ten"), 422, INVALID, ["/query/limit"]),
    ("a filter of an odd status", lambda f: f.get("/orders?status=lost"), 422, INVALID, ["/query/status"]),
    ("a filter with a null", lambda f: f.get("/orders?channel_code=%00"), 422, INVALID, ["/query/channel_code"]),
    (
        "a day that is a number in a query",
        lambda f: f.get("/orders?placed_from=1772409600"),
        422,
        INVALID,
        ["/query/placed_from"],
    ),
    *(
        (f"a day of no time of ours: {path}", lambda f, path=path: f.get(path, f.county), 422, INVALID, [at])
        for path, at in (
            ("/personal-data-accesses?to=9999-12-31", "/query/to"),
            ("/monitoring/warnings?on=0001-01-01", "/query/on"),
            ("/monitoring/records?to=0001-01-01", "/query/to"),
            ("/monitoring/evidence?to=0001-01-01", "/query/to"),
            (f"/households/{NOBODY}/account?on=0001-01-01", "/query/on"),
        )
    ),
    ("a report with a null", lambda f: f.get("/reports/month?channel=%00", f.county), 422, INVALID, ["/query/channel"]),
    *(
        (f"a filter by no county of {path}", lambda f, path=path: f.get(path, f.auditor), 422, "unknown_region", [at])
        for path, at in (
            ("/products?county=999999", "/query/county"),
            ("/products/facets?county=999999", "/query/county"),
            ("/batches?county=999999", "/query/county"),
            ("/certificates?county=999999", "/query/county"),
            ("/reports/channel?county=999999", "/query/county"),
            ("/reports/channel.xlsx?county=999999", "/query/county"),
            ("/households?village_code=999999", "/query/village_code"),
        )
    ),
    # The request itself
    ("no JSON", lambda f: f.raw(b"{'lines': []}"), 400, "broken_json", [""]),
    ("JSON broken off", lambda f: f.raw(b'{"channel_code": "can'), 400, "broken_json", [""]),
    ("no body", lambda f: f.raw(b""), 422, INVALID, [""]),
    ("a body that is null", lambda f: f.raw(b"null"), 422, INVALID, [""]),
    ("a body that is a list", lambda f: f.raw(b"[]"), 422, INVALID, [""]),
    ("a body that is text", lambda f: f.raw(b'"order"'), 422, INVALID, [""]),
    (
        "a body in another encoding",
        lambda f: f.raw('{"channel_code": "食堂"}'.encode("gb18030")),
        400,
        "bad_request",
        [],
    ),
    (
        "a body of another type",
        lambda f: f.raw(json.dumps(f.wanted()).encode(), Content_Type="text/plain"),
        415,
        "media_type",
        [""],
    ),
    (
        "a form",
        lambda f: f.raw(b"channel_code=canteen", Content_Type="application/x-www-form-urlencoded"),
        415,
        "media_type",
        [""],
    ),
    (
        "a body without a type",
        lambda f: f.raw(json.dumps(f.wanted()).encode(), Content_Type=None),
        415,
        "media_type",
        [""],
    ),
    ("JSON as deep as a well", lambda f: f.raw(b"[" * 200_000), 400, "bad_request", []),
    (
        "JSON as deep as it may be",
        lambda f: f.raw(b'{"lines":' + b"[" * 500 + b"]" * 500 + b"}"),
        422,
        INVALID,
        ["/channel_code", LINE],
    ),
    ("a number of 5,000 digits", lambda f: f.raw(b'{"payment_days": ' + b"9" * 5_000 + b"}"), 400, "bad_request", []),
    ("a body above 1 MB", lambda f: f.place(external_number="8" * 1_000_000), 413, "body_too_large", []),
    ("an unknown path", lambda f: f.get("/orderz"), 404, "not_found", []),
    ("a path outside", lambda f: f.get("/../../etc/passwd"), 404, "not_found", []),
    (
        "a method the path does not take",
        lambda f: Ask(f.orderer, "DELETE", f"/orders/{f.placed_order['id']}"),
        405,
        "method_not_allowed",
        [],
    ),
    ("a method nobody takes", lambda f: Ask(f.orderer, "BREW", "/orders"), 405, "method_not_allowed", []),
]
