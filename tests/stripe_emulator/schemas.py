"""Validators made of the SDK's annotations: parameters are TypedDicts, answers are annotated classes.

The SDK leaves enumerations open (`Literal["a", "b"] | str`), so that old code reads new answers; here they are closed.
It writes `Optional` both for what may be null and for what may be absent; such a field may be either here. Objects may
hold each other without end, so a validator of an object is made when the first value of its type is met.
"""

import ast
import inspect
import re
import types
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal  # noqa: TID251 # the SDK has some; none is money
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import (
    IO,
    Any,
    ForwardRef,
    Literal,
    NotRequired,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

import stripe
import typing_extensions
from pydantic_core import CoreSchema, SchemaValidator, ValidationError, core_schema
from stripe._stripe_object import UntypedStripeObject
from typing_extensions import is_typeddict

OPTIONS = frozenset(stripe.RequestOptions.__annotations__)  # every TypedDict of parameters has them too; none is sent
FIRST_CLASS = re.compile(r"^(?:class|@)", re.MULTILINE)
LITERALS: set[Any] = {Literal, typing_extensions.Literal}
OPTIONAL: set[Any] = {NotRequired, typing_extensions.NotRequired}
PAGES = {stripe.ListObject, stripe.SearchResultObject}
PLAIN: dict[Any, Callable[[], CoreSchema]] = {
    Any: core_schema.any_schema,
    object: core_schema.any_schema,
    str: core_schema.str_schema,
    int: core_schema.int_schema,
    float: core_schema.float_schema,
    bool: core_schema.bool_schema,
    stripe.StripeObject: core_schema.dict_schema,
    UntypedStripeObject: core_schema.dict_schema,
    datetime: core_schema.datetime_schema,
    Decimal: core_schema.decimal_schema,
    IO: core_schema.any_schema,  # an uploaded file
}


def parameters(annotation: str | None, module: str) -> SchemaValidator:
    """Return the validator of what a service's method takes as `params`: text, as in a form, becomes its type."""
    taken = _typed_dict(annotation, module)
    none = core_schema.typed_dict_schema({}, extra_behavior="forbid")
    return SchemaValidator(Reader(strict=False).record(taken) if taken else none)


def parameter_names(annotation: str | None, module: str) -> frozenset[str]:
    """Return the names of what a service's method takes as `params`."""
    taken = _typed_dict(annotation, module)
    return frozenset(inspect.get_annotations(taken)) - OPTIONS if taken else frozenset()


def _typed_dict(annotation: str | None, module: str) -> type[Any] | None:
    kind = _resolved(annotation, module) if annotation else None
    resolved = (_resolved(each, module) for each in get_args(kind) or (kind,))
    return next(filter(is_typeddict, resolved), None)


@cache
def answer(annotation: str, module: str) -> SchemaValidator:
    """Return the strict validator of what a service's method returns."""
    reader = Reader(strict=True)
    return SchemaValidator(reader.schema(_resolved(annotation, module), module))


@cache
def _object(module: str, name: str) -> SchemaValidator:
    return SchemaValidator(Reader(strict=True).record(getattr(import_module(module), name)))


class _Names(dict[str, Any]):
    """The names an annotation in a module may use, also those imported for type checkers alone."""

    def __init__(self, module: str) -> None:
        super().__init__(vars(import_module(module)))
        self._imports = _imports(module)

    def __missing__(self, name: str) -> Any:
        module, original = self._imports[name]
        self[name] = getattr(import_module(module), original)
        return self[name]


@cache
def _names(module: str) -> _Names:
    return _Names(module)


def _imports(module: str) -> dict[str, tuple[str, str]]:
    """Return where each name comes from that the module imports anywhere."""
    source = Path(inspect.getfile(import_module(module))).read_text(encoding="utf-8")
    return {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in ast.walk(ast.parse(FIRST_CLASS.split(source, maxsplit=1)[0]))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _resolved(annotation: Any, module: str) -> Any:
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return eval(annotation, {}, _names(module))  # noqa: S307 # the installed SDK's own annotation
    return annotation


class Reader:
    """Turns annotations into schemas: strictly for answers, from text for parameters."""

    def __init__(self, *, strict: bool) -> None:
        """Answers are JSON and strict; parameters come as a form, all text."""
        self.strict = strict

    def record(self, cls: type[Any]) -> CoreSchema:
        """Return the schema of a TypedDict or of a class of answers: no field too many, none too few."""
        fields = {}
        for name, annotation in inspect.get_annotations(cls).items():
            if (
                name.startswith("_")
                or str(annotation).startswith("typing.ClassVar")
                or (is_typeddict(cls) and name in OPTIONS)
            ):
                continue
            kind, required = _unwrapped(_resolved(annotation, cls.__module__), cls.__module__)
            if is_typeddict(cls):
                required = required and name in cls.__required_keys__
            else:
                required = required and type(None) not in get_args(kind)
            fields[name] = core_schema.typed_dict_field(self.schema(kind, cls.__module__), required=required)
        return core_schema.typed_dict_schema(fields, extra_behavior="forbid", strict=self.strict)

    def schema(self, kind: Any, module: str) -> CoreSchema:
        """Return the schema of any annotation met in the SDK."""
        kind = _resolved(kind, module)
        if kind in PLAIN:
            return PLAIN[kind]()
        if isinstance(kind, TypeVar):
            return core_schema.any_schema()
        if get_args(kind):
            return self._generic(get_origin(kind), get_args(kind), module)
        if is_typeddict(kind):
            return self.record(kind)
        return _later(kind) if hasattr(kind, "OBJECT_NAME") else self.record(kind)

    def _generic(self, origin: Any, arguments: tuple[Any, ...], module: str) -> CoreSchema:
        if origin in LITERALS:
            return _literal(arguments)
        if origin in {Union, types.UnionType}:
            return self._union(arguments, module)
        inside = self.schema(arguments[-1], module)
        if origin in {list, Sequence}:
            return self._list(inside)
        if origin in PAGES:
            return self._page(inside)
        if origin in {dict, Mapping, UntypedStripeObject}:
            return core_schema.dict_schema(core_schema.str_schema(), inside)
        raise TypeError(f"{origin} of {arguments} was not in the SDK before")

    def _union(self, arguments: tuple[Any, ...], module: str) -> CoreSchema:
        kinds = [_resolved(each, module) for each in arguments if each is not type(None)]
        if str in kinds and any(_closed(each) for each in kinds):
            kinds.remove(str)
        choices = [(self.schema(each, module), f"<{number}>") for number, each in enumerate(kinds)]
        one = choices[0][0] if len(choices) == 1 else core_schema.union_schema(list(choices))
        return core_schema.nullable_schema(one) if type(None) in arguments else one

    def _list(self, items: CoreSchema) -> CoreSchema:
        of = core_schema.list_schema(items)
        return of if self.strict else core_schema.no_info_before_validator_function(_from_numbered, of)

    def _page(self, items: CoreSchema) -> CoreSchema:
        kinds = {
            "object": core_schema.literal_schema(["list", "search_result"]),
            "data": core_schema.list_schema(items),
            "has_more": core_schema.bool_schema(),
            "url": core_schema.str_schema(),
        }
        fields = {name: core_schema.typed_dict_field(kind, required=True) for name, kind in kinds.items()}
        return core_schema.typed_dict_schema(fields, extra_behavior="forbid", strict=True)


def _unwrapped(kind: Any, module: str) -> tuple[Any, bool]:
    """Return the type inside `NotRequired[…]`, and whether the field is required as far as that says."""
    if get_origin(kind) in OPTIONAL:
        return _resolved(get_args(kind)[0], module), False
    return kind, True


def _closed(kind: Any) -> bool:
    return get_origin(kind) in LITERALS and get_args(kind) != ("",)


def _literal(values: tuple[Any, ...]) -> CoreSchema:
    if set(values) == {True}:  # a form says it in text
        return core_schema.bool_schema()
    return core_schema.literal_schema(list(values))


def _later(cls: type[Any]) -> CoreSchema:
    """Return a schema that makes the validator of this object when a value of it is met."""

    def check(value: Any) -> Any:
        try:
            return _object(cls.__module__, cls.__name__).validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"{cls.__name__}.{where}: {first['msg']}") from None

    return core_schema.no_info_plain_validator_function(check)


def _from_numbered(value: Any) -> Any:
    """Return the list that a form writes as `expand[0]=…&expand[1]=…`, or as `expand[]=…`."""
    if isinstance(value, dict) and value and all(key.isdigit() for key in value):
        return [value[key] for key in sorted(value, key=int)]
    return value
