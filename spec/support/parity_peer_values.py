"""Values between parity_peer.py and Lua: JSON, with {"$bytes": hex} for bytes."""

from datetime import datetime, timedelta, timezone

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes


def short(value):
    """An enum's name as Lua writes it."""
    return None if value is None else value.name.lower()


def decoded(value):
    """What a request says, as the Python client takes it."""
    if isinstance(value, dict):
        if "$bytes" in value:
            return bytes.fromhex(value["$bytes"])
        return {name: decoded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [decoded(each) for each in value]
    return value


def encoded(value):
    """What the Python client returned, as JSON."""
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": bytes(value).hex()}
    if isinstance(value, dict):
        return {name: encoded(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [encoded(each) for each in value]
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value


def stamp(value):
    """Epoch seconds, as text that parity.lua knows for a time."""
    return None if value is None else "@%.6f" % value.timestamp()


KEYS = {
    "keyword": SearchAttributeKey.for_keyword, "text": SearchAttributeKey.for_text,
    "int": SearchAttributeKey.for_int, "double": SearchAttributeKey.for_float,
    "bool": SearchAttributeKey.for_bool, "datetime": SearchAttributeKey.for_datetime,
    "keyword_list": SearchAttributeKey.for_keyword_list,
}


def typed_attributes(given):
    """{name: [type, value]}; a datetime is epoch seconds, or RFC 3339 text."""
    pairs = []
    for name, (kind, value) in given.items():
        if kind == "datetime":
            value = (datetime.fromisoformat(value) if isinstance(value, str)
                     else datetime.fromtimestamp(value, timezone.utc))
        elif kind == "double":
            value = float(value)  # the Lua at hand may have one kind of number
        pairs.append(SearchAttributePair(KEYS[kind](name), value))
    return TypedSearchAttributes(pairs)


def attributes(typed):
    return {pair.key.name: encoded(pair.value) for pair in typed}
