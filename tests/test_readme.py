"""The README, in both languages, is true: its session runs, and what it names exists."""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import market
from market.cli import cli
from market.db import Database
from market.seeding.people import DEMO_PASSWORD
from market.settings import Settings
from tests.serving import served

ROOT = Path(market.__file__).parent.parent
READMES = ["README.md", "README.zh-CN.md"]
ADDRESS = "http://127.0.0.1:8000"

# Machines with Python and make alone have no curl; this does what the README asks of it.
CURL = """#!{python}
import argparse, sys, urllib.error, urllib.parse, urllib.request
asked = argparse.ArgumentParser()
for flag in ("-s", "-S", "-G"):
    asked.add_argument(flag, action="store_true")
for option in ("-H", "-d", "--data-urlencode"):
    asked.add_argument(option, action="append", default=[])
asked.add_argument("url")
asked = asked.parse_args()
named = [part.split("=", 1) for part in asked.data_urlencode]
parts = asked.d + [f"{{name}}={{urllib.parse.quote(value)}}" for name, value in named]
body = None if asked.G or not parts else "&".join(parts).encode()
url = asked.url + ("?" + "&".join(parts) if asked.G else "")
request = urllib.request.Request(url, body, dict(header.split(": ", 1) for header in asked.H))
try:
    sys.stdout.buffer.write(urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open(request).read())
except urllib.error.HTTPError as refusal:
    sys.stdout.buffer.write(refusal.read())
"""


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", text(name), re.DOTALL)


def run(name: str, base_url: str, folder: Path) -> str:
    """Run the session as a person would who pastes it into one shell."""
    if shutil.which("curl") is None:
        (folder / "curl").write_text(CURL.format(python=sys.executable))
        (folder / "curl").chmod(0o755)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], str(folder)])
    session = "\n".join(blocks(name)).replace(ADDRESS, base_url)
    ended = subprocess.run(
        ["sh", "-eu", "-c", session],
        env={**os.environ, "PATH": path, "no_proxy": "*"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_the_first_session_works_as_written_in_both_languages(seeded_db: Database, tmp_path: Path) -> None:
    with served(seeded_db) as base_url:
        first, second = (run(name, base_url, tmp_path) for name in READMES)
    for said in (first, second):
        assert '"login": "jc-school.clerk"' in said
        assert '"name": "红薯"' in said
        assert '"reach"' in said
        assert '"name": "订单收购"' in said
        assert '"status": "placed"' in said
        assert '"code": "invalid_input"' in said
        assert '"profit_fen_per_mu": 90000' in said
        assert '"name": "基础股+自筹资金+管护费"' in said
        assert "必填" in said
    number = r'"number": "(G\d+)"'
    assert re.findall(number, first) == re.findall(number, second), "one Idempotency-Key, one order"


def test_both_languages_show_the_same_session() -> None:
    english, chinese = map(blocks, READMES)
    assert english == chinese
    assert len(english) == 5


@pytest.mark.parametrize("name", READMES)
def test_every_setting_package_login_command_and_file_that_exists_is_named_and_no_other(name: str) -> None:
    readme = text(name)
    settings = {f"MARKET_{field.upper()}" for field in Settings.model_fields}
    assert set(re.findall(r"\bMARKET_\w+", readme)) == settings
    packages = {f"market.{folder.parent.name}" for folder in (ROOT / "market").glob("*/__init__.py")}
    assert set(re.findall(r"`(market\.\w+)`", readme)) == packages
    with (ROOT / "seed" / "members.csv").open(encoding="utf-8") as file:
        logins = {row["login"] for row in csv.DictReader(file)}
    named = set(re.findall(r"`([a-z-]+\.(?:clerk|manager|receiver|reviewer|officer|auditor|operator))`", readme))
    assert named
    assert named <= logins
    assert f"`{DEMO_PASSWORD}`" in readme
    commands = {command.name or command.callback.__name__ for command in cli.registered_commands if command.callback}
    assert set(re.findall(r"^    market (\w+)", readme, re.MULTILINE)) <= commands
    targets = set(re.findall(r"^(\w+):", text("Makefile"), re.MULTILINE))
    assert set(re.findall(r"`?(?:DEMO_EXIT=1 )?\bmake (\w+)`", readme)) <= targets
    for linked in re.findall(r"\]\(([^)]+)\)", readme):
        assert (ROOT / linked).exists()
