"""The negative control of the import contracts: each is broken on purpose, in a small graph of imports."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from grimp import ImportGraph
from importlinter import configuration
from importlinter.application.app_config import settings
from importlinter.application.ports.building import GraphBuilder
from importlinter.application.use_cases import create_report, read_user_options
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract
from importlinter.contracts.protected import ProtectedContract
from importlinter.domain.contract import registry
from typing_extensions import override

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
CONTRACTS = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
NAMES = {contract["id"]: contract["name"] for contract in CONTRACTS}
LAYERS = re.findall(r"\w+", " ".join(CONTRACTS[0]["layers"]))
DOMAINS = ["orders", "lots", "payments", "ledger", "audit", "attribution"]
KINDS: dict[str, Any] = {"layers": LayersContract, "forbidden": ForbiddenContract, "protected": ProtectedContract}
FILES = ["endpoints", "tasks", "schemas", "service", "placing", "queries", "gateway", "models", "lineage", "rules"]
OUTSIDE = [
    "fastapi",
    "starlette",
    "sqlalchemy",
    "pydantic",
    "pydantic_settings",
    "python_calamine",
    "stripe",
    "structlog",
    "httpx2",
]

ALLOWED = {
    "cli": ["app", "demo", "seeding"],
    "app": ["orders.endpoints"],
    "worker": ["orders.tasks"],
    "orders.endpoints": ["fastapi", "api", "identity.access", "orders.placing", "orders.queries", "orders.schemas"],
    "orders.tasks": ["orders.placing"],
    "orders.placing": ["clock", "db", "lots.service", "orders.queries"],
    "orders.schemas": ["api", "orders.rules"],
    "orders.queries": ["sqlalchemy", "lots.models", "lots.queries"],
    "orders.models": ["db", "lots.models", "orders.rules"],
    "orders.rules": ["errors", "money", "lots.rules"],
    "identity.access": ["fastapi", "api"],
    "api": ["fastapi", "db"],
    "db": ["sqlalchemy"],
    "settings": ["pydantic_settings"],
    "payments.gateway": ["stripe"],
    "workbooks": ["python_calamine"],
    "payments.service": ["payments.gateway"],
    "audit.queries": ["ledger.models"],
    "ledger.service": ["ledger.models"],
}

VIOLATIONS = [
    ("lots.service", "orders.service", {"stack"}),
    ("worker", "app", {"stack"}),
    ("demo", "cli", {"stack"}),
    ("money", "errors", {"stack"}),
    ("settings", "clock", {"stack"}),
    ("orders.service", "orders.endpoints", {"inside", "edge"}),
    ("orders.service", "orders.schemas", {"inside", "edge"}),
    ("orders.schemas", "orders.service", {"inside", "schemas"}),
    ("orders.schemas", "orders.placing", {"schemas"}),
    ("orders.schemas", "orders.models", {"schemas"}),
    ("orders.placing", "orders.schemas", {"edge"}),
    ("orders.placing", "lots.endpoints", {"edge"}),
    ("orders.placing", "api", {"edge"}),
    ("orders.placing", "identity.access", {"edge"}),
    ("orders.queries", "orders.service", {"inside", "queries"}),
    ("orders.queries", "lots.placing", {"queries"}),
    ("orders.models", "orders.queries", {"inside", "models"}),
    ("orders.models", "lots.placing", {"models"}),
    ("orders.rules", "lots.placing", {"rules"}),
    ("orders.rules", "orders.models", {"inside", "rules", "pure"}),
    ("orders.rules", "clock", {"pure"}),
    ("lots.lineage", "clock", {"pure"}),
    ("errors", "pydantic", {"pure"}),
    ("quantities", "structlog", {"pure"}),
    ("identifiers", "httpx2", {"pure"}),
    ("payments.service", "stripe", {"stripe"}),
    ("cli", "stripe", {"stripe"}),
    ("tables", "python_calamine", {"calamine"}),
    ("orders.placing", "python_calamine", {"calamine"}),
    ("tables", "workbooks", {"stack"}),
    ("cli", "workbooks", {"stack"}),
    ("orders.placing", "fastapi", {"web"}),
    ("orders.tasks", "starlette", {"web"}),
    ("orders.models", "fastapi", {"web"}),
    ("db", "fastapi", {"web"}),
    ("orders.queries", "ledger.models", {"ledger"}),
    ("attribution.service", "ledger.models", {"ledger"}),
]


class PlantedGraph(GraphBuilder):
    """What import-linter gets in place of the graph of the package: the layers, the allowed imports and one more."""

    def __init__(self, *planted: tuple[str, str]) -> None:
        self.planted = planted

    @override
    def build(self, *_: object, **__: object) -> ImportGraph:
        graph = ImportGraph()
        modules = [*LAYERS, "identity.access", *(f"{domain}.{file}" for domain in DOMAINS for file in FILES)]
        for module in ["market", *map(full_name, modules)]:
            graph.add_module(module)
        for module in OUTSIDE:
            graph.add_module(module, is_squashed=True)
        allowed = [(importer, imported) for importer, several in ALLOWED.items() for imported in several]
        for importer, imported in [*allowed, *self.planted]:
            graph.add_import(importer=full_name(importer), imported=full_name(imported))
        return graph


def full_name(module: str) -> str:
    return module if module in OUTSIDE else f"market.{module}"


def broken(*planted: tuple[str, str]) -> set[str]:
    """Return the ids of the contracts that import-linter finds broken."""
    configuration.configure()
    for kind, contract_type in KINDS.items():
        registry.register(contract_type, kind)
    settings.configure(GRAPH_BUILDER=PlantedGraph(*planted))
    report = create_report(read_user_options(str(PYPROJECT)), cache_dir=None)
    assert not report.could_not_run
    checks = {contract.name: check.kept for contract, check in report.get_contracts_and_checks()}
    return {identifier for identifier, name in NAMES.items() if not checks[name]}


def test_the_allowed_imports_keep_every_contract() -> None:
    assert broken() == set()


@pytest.mark.parametrize(("importer", "imported", "contracts"), VIOLATIONS)
def test_a_violation_breaks_its_contract(importer: str, imported: str, contracts: set[str]) -> None:
    assert broken((importer, imported)) == contracts


def test_a_module_without_a_place_breaks_the_stack() -> None:
    assert broken(("utils", "money")) == {"stack"}


def test_every_contract_has_a_violation() -> None:
    assert set(NAMES) == {contract for _, _, contracts in VIOLATIONS for contract in contracts}
