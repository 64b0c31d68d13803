"""What Stripe takes and gives, read from the installed SDK, which is generated from Stripe's own specification.

Service classes name the routes, the types of their parameters and of their answers; `schemas` turns those types into
validators. Everything is made when it is first asked for: a test needs a handful of some six hundred routes.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple

import stripe
from pydantic_core import SchemaValidator, ValidationError

from tests.stripe_emulator import schemas
from tests.stripe_emulator.refusals import Refusal, invalid, missing, unknown

PACKAGE = Path(stripe.__file__).parent
NAMES_OF_PARAMETERS = re.compile(r"\{(\w+)\}")

Method = Literal["get", "post", "delete"]


class Problem(NamedTuple):
    """One way in which a value differs from its type."""

    kind: str
    where: tuple[str, ...]
    message: str

    @property
    def parameter(self) -> str:
        """The name as Stripe writes it: `amount_details[tax][total_tax_amount]`."""
        first, *rest = self.where or ("",)
        return first + "".join(f"[{part}]" for part in rest)


@dataclass(frozen=True)
class Route:
    """One operation of Stripe's API, as the SDK calls it."""

    method: Method
    path: str
    module: str
    parameters: str | None  # the annotation of `params`
    answer: str  # the annotation of what is returned

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What the path of a request looks like."""
        return re.compile(NAMES_OF_PARAMETERS.sub(r"(?P<\1>[^/]+)", self.path) + r"\Z")

    @cached_property
    def takes(self) -> frozenset[str]:
        """The names of the parameters."""
        return schemas.parameter_names(self.parameters, self.module)

    @cached_property
    def _takes(self) -> SchemaValidator:
        return schemas.parameters(self.parameters, self.module)

    @cached_property
    def _gives(self) -> SchemaValidator:
        return schemas.answer(self.answer, self.module)

    def read(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters in their types, or refuse them in Stripe's words."""
        try:
            taken: dict[str, Any] = self._takes.validate_python(sent)
        except ValidationError as error:
            raise _refusal(problems(error)) from None
        return taken

    def faults_of(self, answer: dict[str, Any]) -> list[Problem]:
        """Return what in an answer does not fit the type that the SDK promises its users."""
        try:
            self._gives.validate_python(answer)
        except ValidationError as error:
            return problems(error)
        return []


def problems(error: ValidationError) -> list[Problem]:
    """Return the problems of the innermost parts first: of a union's choices, the one that came furthest."""
    found = [
        Problem(each["type"], tuple(str(part) for part in each["loc"] if not str(part).startswith("<")), each["msg"])
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return sorted(found, key=lambda problem: -len(problem.where))


def faults_of_object(name: str, value: dict[str, Any]) -> list[Problem]:
    """Return what in an object, for example an event, does not fit the SDK's class of that name."""
    try:
        schemas.answer(name, "stripe").validate_python(value)
    except ValidationError as error:
        return problems(error)
    return []


def _refusal(found: list[Problem]) -> Refusal:
    first = found[0]
    match first.kind:
        case "extra_forbidden":
            return unknown(first.parameter)
        case "missing":
            return missing(first.parameter)
        case "int_parsing" | "int_type" | "int_from_float":
            return invalid(
                f"Invalid integer: {first.parameter}", param=first.parameter, code="parameter_invalid_integer"
            )
        case _:
            return invalid(f"Invalid {first.parameter}: {first.message}", param=first.parameter)


@cache
def routes() -> tuple[Route, ...]:
    """Return every operation that the SDK's services call at Stripe's API."""
    return tuple(route for path in sorted(PACKAGE.rglob("_*_service.py")) for route in _routes_of(path))


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the operation that a request means and the ids in its path; fixed words go before ids."""
    found = [
        (route, match.groupdict())
        for route in _routes_by(method, path.count("/"))
        if (match := route.pattern.match(path))
    ]
    return min(found, key=lambda each: len(each[1]), default=None)


@cache
def _routes_by(method: str, slashes: int) -> tuple[Route, ...]:
    return tuple(each for each in routes() if each.method == method and each.path.count("/") == slashes)


def _routes_of(path: Path) -> Iterator[Route]:
    source = path.read_text(encoding="utf-8")
    if "self._request(" not in source:
        return
    module = ".".join(["stripe", *path.relative_to(PACKAGE).with_suffix("").parts])
    for service in ast.parse(source).body:
        for function in service.body if isinstance(service, ast.ClassDef) else ():
            if isinstance(function, ast.FunctionDef) and (call := _request(function)):
                yield Route(*call, module, _annotation(function, "params"), _text(function.returns))


def _request(function: ast.FunctionDef) -> tuple[Method, str] | None:
    """Return method and path of the `self._request("post", "/v1/refunds", …)` inside a service's method."""
    for node in ast.walk(function):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="_request"),
                args=[ast.Constant(value="get" | "post" | "delete" as method), where, *_],
            ):
                texts = [each.value for each in ast.walk(where) if isinstance(each, ast.Constant)]
                return method, str(texts[0])
    return None


def _annotation(function: ast.FunctionDef, name: str) -> str | None:
    for argument in function.args.args:
        if argument.arg == name:
            return _text(argument.annotation)
    return None


def _text(annotation: ast.expr | None) -> str:
    return (
        str(annotation.value) if isinstance(annotation, ast.Constant) else ast.unparse(annotation or ast.Name("None"))
    )


def sdk_class(name: str) -> type[Any]:
    """Return one of the SDK's classes by its name."""
    found: type[Any] = getattr(import_module("stripe"), name)
    return found
