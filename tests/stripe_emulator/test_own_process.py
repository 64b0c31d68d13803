"""`python -m tests.stripe_emulator`: called, commanded, and gone with its parent."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import stripe

from tests.stripe_emulator.scenes import pay

Told = dict[str, str]


@pytest.fixture
def own() -> Iterator[Told]:
    """A process whose parent, a shell, ends when its input does."""
    script = f"{sys.executable} -m tests.stripe_emulator & read -r _"
    with subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdin
        assert shell.stdout
        yield json.loads(shell.stdout.readline())
        shell.stdin.close()
        shell.wait()
        assert shell.stdout.read() == ""  # the end of the output is the end of the emulator


def commanded(own: Told, name: str, **given: Any) -> Any:
    request = urllib.request.Request(  # noqa: S310 # the loopback interface
        f"{own['url']}/_emulator/{name}",
        json.dumps(given).encode(),
        {"Authorization": f"Bearer {own['key']}"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return json.load(answer)["result"]


def test_a_process_of_its_own_is_called_and_commanded_and_ends_with_its_parent(own: Told) -> None:
    with closing(stripe.RequestsClient()) as http:
        client = stripe.StripeClient(own["key"], base_addresses={"api": own["url"]}, http_client=http)
        commanded(own, "set", pending_days=0)
        intent = pay(client, method="pm_card_authenticationRequired")
        assert commanded(own, "complete_payment", intent=intent.id)["status"] == "succeeded"
        account = client.v1.accounts.create({"capabilities": {"transfers": {"requested": True}}}).id
        assert commanded(own, "activate", account=account, capabilities=["transfers"])["payouts_enabled"]
        client.v1.transfers.create({"amount": 10_000, "currency": "cny", "destination": account})
        assert commanded(own, "check") is None
        assert commanded(own, "drop", types="*") == 0
        for name in ("world", "_open", "command", "settle_refund"):
            with pytest.raises(urllib.error.HTTPError, match="400") as refusal:
                commanded(own, name, **({"refund": "re_of_nobody"} if name == "settle_refund" else {}))
            refusal.value.close()
        with pytest.raises(urllib.error.HTTPError, match="401") as refusal:
            commanded({**own, "key": "sk_test_guessed"}, "check")
        refusal.value.close()
