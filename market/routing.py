"""How a request finds its endpoint, and how its query is read: FastAPI's own route with less work."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.routing import Match
from starlette.types import Scope
from typing_extensions import override


class GatedRoute(APIRoute):
    """A route that looks at the fixed beginning of a path before it tries its pattern: most requests are others'."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Remember the path up to its first parameter."""
        super().__init__(path, endpoint, **options)
        self._gate = path.split("{", 1)[0]

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as any route, if the path begins as this one's."""
        return super().matches(scope) if scope["path"].startswith(self._gate) else (Match.NONE, {})

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Let the model of a query read it in one step.

        FastAPI takes a query apart by the model's fields before the model sees it: a tenth of the time of a listing.
        """
        documented = self.dependant
        for name, model in self._query_models():  # it is the only one, then
            reader = Dependant(call=_reading(model), name=name, request_param_name="request")
            self.dependant = replace(documented, query_params=[], dependencies=[*documented.dependencies, reader])
        handler = super().get_route_handler()
        self.dependant = documented  # by which the OpenAPI names every field
        return handler

    @cached_property
    def known_parameters(self) -> frozenset[str] | None:
        """The names that a query may have, None where a model reads it and refuses what it does not know."""
        if any(self._query_models()):
            return None
        return frozenset(field.alias for field in self.dependant.query_params)

    def _query_models(self) -> Iterator[tuple[str, type[BaseModel]]]:
        for field in self.dependant.query_params:
            kind = field.field_info.annotation
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield field.name, kind


def _reading(model: type[BaseModel]) -> Callable[[Request], Awaitable[BaseModel]]:
    async def read(request: Request) -> BaseModel:
        try:
            return model.model_validate(dict(request.query_params))
        except ValidationError as error:
            faults = [{**fault, "loc": ("query", *fault["loc"])} for fault in error.errors(include_url=False)]
            raise RequestValidationError(faults) from None

    return read
