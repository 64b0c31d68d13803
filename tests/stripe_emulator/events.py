"""Events as the API lists them: of the last 30 days, and with the question whether they were delivered."""

from tests.stripe_emulator.emulated import emulates, page
from tests.stripe_emulator.refusals import nothing_called
from tests.stripe_emulator.state import EVENTS_KEPT, Call, Thing


@emulates("get", "/v1/events", "created delivery_success ending_before limit starting_after type types")
def list_events(call: Call) -> Thing:
    """List what happened; `delivery_success=false` asks for what some endpoint has not acknowledged."""
    given = call.given

    def fits(event: Thing) -> bool:
        delivered = not event["pending_webhooks"]
        return (
            _kept(call, event)
            and _named(event["type"], given.get("type", "*"))
            and ("types" not in given or event["type"] in given["types"])
            and given.get("delivery_success", delivered) == delivered
        )

    return page(call, "event", filter(fits, call.world.each(call.account, "event")))


def _named(kind: str, wanted: str) -> bool:
    """Tell whether a type is the wanted one, or of its family: `charge.*`."""
    return kind.startswith(wanted[:-1]) if wanted.endswith("*") else kind == wanted


def _kept(call: Call, event: Thing) -> bool:
    return bool(event["created"] > call.world.clock.now() - EVENTS_KEPT)


@emulates("get", "/v1/events/{id}")
def retrieve(call: Call) -> Thing:
    """Return one event, for 30 days."""
    event = call.get("event", "id")
    if not _kept(call, event):
        raise nothing_called("event", event["id"])
    return event
