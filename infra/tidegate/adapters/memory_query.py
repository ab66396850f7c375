"""Firestore's structured queries, as far as filters joined by AND, order, offset and limit go."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1 import _helpers
from google.cloud.firestore_v1.order import Order, TypeOrder
from google.cloud.firestore_v1.types import StructuredQuery, Value

from tidegate.adapters.memory_documents import Document
from tidegate.adapters.memory_fields import FieldPath, is_nan, value_at
from tidegate.adapters.memory_translation import field_path, name_of

_NAME = "__name__"
_Field = StructuredQuery.FieldFilter.Operator
_Unary = StructuredQuery.UnaryFilter.Operator
_RANGES = {
    _Field.LESS_THAN: lambda sign: sign < 0,
    _Field.LESS_THAN_OR_EQUAL: lambda sign: sign <= 0,
    _Field.GREATER_THAN: lambda sign: sign > 0,
    _Field.GREATER_THAN_OR_EQUAL: lambda sign: sign >= 0,
}
_UNORDERED = (_Field.EQUAL, _Field.IN, _Field.ARRAY_CONTAINS)


class Missing(Exception):
    """The document has no such field."""


class MemoryQuery:
    """One query, ready to be run on the documents of its collection.

    Raises:
        NotImplementedError: it asks for more than the memory store knows.
    """

    def __init__(self, query: StructuredQuery, client: AsyncClient) -> None:
        self._client = client
        self._filters = list(_filters(query))
        self._orders = _orders(query, self._filters)
        self._offset = query.offset
        self._limit = query.limit if query._pb.HasField("limit") else None
        _reject_unknown(query)

    def run(self, documents: Iterable[Document]) -> list[Document]:
        """The documents that match, in the query's order."""
        found = [document for document in documents if self._matches(document)]
        found.sort(key=functools.cmp_to_key(self._compare))
        end = None if self._limit is None else self._offset + self._limit
        return found[self._offset : end]

    def _matches(self, document: Document) -> bool:
        """Every filter holds, and every field that decides the order is there."""
        try:
            for path, _ in self._orders:
                self._value(document, path)
            return all(_holds(each, self._value(document, each.field.field_path)) for each in self._filters)
        except Missing:
            return False

    def _compare(self, left: Document, right: Document) -> int:
        for path, descending in self._orders:
            sign: int = Order.compare(self._value(left, path), self._value(right, path))
            if sign:
                return -sign if descending else sign
        return 0

    def _value(self, document: Document, path: str) -> Value:
        if path == _NAME:
            return Value(reference_value=name_of(document.path, self._client))
        try:
            return _helpers.encode_value(value_at(document.fields, field_path(path)))
        except KeyError:
            raise Missing(path) from None


def aggregate(aggregations: Iterable[Any], documents: Iterable[Document]) -> dict[str, int | float]:
    """Counts and sums over ``documents``, by alias.

    Raises:
        NotImplementedError: for averages.
    """
    asked = list(aggregations)
    if any(each._pb.WhichOneof("operator") == "avg" for each in asked):
        raise NotImplementedError("the memory store has no averages")
    paths = {each.alias: field_path(each.sum.field.field_path) for each in asked if each._pb.HasField("sum")}
    values = [row for each in documents if (row := _fields_at(each, paths)) is not None]
    return {
        each.alias: sum(row[each.alias] for row in values) if each.alias in paths else len(values) for each in asked
    }


def _fields_at(document: Document, paths: Mapping[str, FieldPath]) -> dict[str, Any] | None:
    """The values at ``paths``, None where one is missing; what is no number counts as nothing."""
    try:
        found = {alias: value_at(document.fields, path) for alias, path in paths.items()}
    except KeyError:
        return None
    return {alias: value if _is_number(value) else 0 for alias, value in found.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _filters(query: StructuredQuery) -> Iterator[Any]:
    if not query._pb.HasField("where"):
        return
    kind = query.where._pb.WhichOneof("filter_type")
    if kind != "composite_filter":
        yield getattr(query.where, kind)
        return
    if query.where.composite_filter.op != StructuredQuery.CompositeFilter.Operator.AND:
        raise NotImplementedError("the memory store joins filters by AND only")
    for each in query.where.composite_filter.filters:
        inner = each._pb.WhichOneof("filter_type")
        if inner == "composite_filter":
            raise NotImplementedError("the memory store has no nested composite filters")
        yield getattr(each, inner)


def _orders(query: StructuredQuery, filters: Sequence[Any]) -> list[tuple[str, bool]]:
    """(Field, whether descending): the order asked for, then the fields that inequalities imply, then the name."""
    orders = [
        (each.field.field_path, each.direction == StructuredQuery.Direction.DESCENDING) for each in query.order_by
    ]
    last = orders[-1][1] if orders else False
    implied = [*sorted({each.field.field_path for each in filters if _is_inequality(each)} - {_NAME}), _NAME]
    named = {path for path, _ in orders}
    return orders + [(path, last) for path in implied if path not in named]


def _is_inequality(condition: Any) -> bool:
    if isinstance(condition, StructuredQuery.UnaryFilter):
        return condition.op in (_Unary.IS_NOT_NULL, _Unary.IS_NOT_NAN)
    return condition.op not in _UNORDERED


def _reject_unknown(query: StructuredQuery) -> None:
    for name in ("select", "start_at", "end_at", "find_nearest"):
        if query._pb.HasField(name):
            raise NotImplementedError(f"the memory store has no queries with {name}")
    if any(each.all_descendants for each in query.from_):
        raise NotImplementedError("the memory store has no collection group queries")


def _holds(condition: Any, value: Value) -> bool:
    if isinstance(condition, StructuredQuery.UnaryFilter):
        return _unary_holds(condition.op, value)
    same_type = TypeOrder.from_value(value) == TypeOrder.from_value(condition.value)
    sign = Order.compare(value, condition.value)
    if condition.op in _RANGES:
        return same_type and not is_nan(value.double_value) and bool(_RANGES[condition.op](sign))
    match condition.op:
        case _Field.EQUAL:
            return sign == 0
        case _Field.NOT_EQUAL:
            return sign != 0 and not _is_null(value)
        case _Field.IN:
            return any(Order.compare(value, each) == 0 for each in condition.value.array_value.values)
        case _Field.ARRAY_CONTAINS:
            return any(Order.compare(each, condition.value) == 0 for each in value.array_value.values)
    raise NotImplementedError(f"the memory store has no filter {_Field(condition.op).name}")


def _unary_holds(operator: int, value: Value) -> bool:
    match operator:
        case _Unary.IS_NULL:
            return _is_null(value)
        case _Unary.IS_NOT_NULL:
            return not _is_null(value)
        case _Unary.IS_NAN:
            return is_nan(value.double_value)
        case _Unary.IS_NOT_NAN:
            return not is_nan(value.double_value) and not _is_null(value)
    raise NotImplementedError(f"the memory store has no filter {_Unary(operator).name}")


def _is_null(value: Value) -> bool:
    return bool(value._pb.WhichOneof("value_type") == "null_value")
