"""`python -m tests.stripe_emulator`: the emulator as a process of its own, which ends with the one that started it."""

import argparse
import json
import os
import sys
import time

from tests.stripe_emulator.server import running

LOOK = 0.2  # seconds


def main() -> None:
    """Serve; print one line of JSON with address, key and webhook secret."""
    parser = argparse.ArgumentParser(prog="python -m tests.stripe_emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="a free one unless named")
    port = parser.parse_args().port
    parent = os.getppid()
    with running(port) as emulator:
        told = {"url": emulator.url, "key": emulator.key, "webhook_secret": emulator.webhook_secret}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        while os.getppid() == parent:
            time.sleep(LOOK)


if __name__ == "__main__":
    main()
