"""The official protobuf runtime as the message codec's other side.

  generate: writes random messages to a file: their bytes, what Lua should see
            in them, and a Lua table (in varying spellings) that means the same
  check:    compares what Lua encoded with the messages it was given
  table:    the C descriptor tables of the set `every` (tools/schema.py)

Sets: `schema` is every message of tools/schema.py; `every` is one message with
each kind of field protobuf has (proto_peer_types.py).

A file is a sequence of frames, each a length of 4 bytes, big-endian, and the
bytes. `generate` writes four frames for a message: type name, bytes, expected
value, input value; `check` reads two for each: both values, encoded by Lua.
"""

import argparse
import os.path
import pathlib
import random
import struct
import sys

from google.protobuf import message_factory
from google.protobuf import unknown_fields

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import proto_peer_types  # noqa: E402
import schema  # noqa: E402

INT32 = [0, 1, -1, 127, 128, 16383, 16384, 2**31 - 1, -(2**31)]
INT64 = INT32 + [2**53 - 1, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
UINT32 = [0, 1, 127, 128, 2**31, 2**32 - 1]
UINT64 = UINT32 + [2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1]
DOUBLES = [0.0, -0.0, 1.0, 0.1, -1.5, 1e308, 5e-324, 2.0**53, float("inf")]
DOUBLES += [float("-inf"), float("nan"), 123456789.0]
FLOATS = [0.0, -0.0, 1.0, -1.5, 2.0**-149, 3.4028234663852886e38]
FLOATS += [float("inf"), float("-inf"), float("nan"), 0.10000000149011612]
STRINGS = ["", "a", "é", "\0", "日本", "\U0001f600", "x" * 127, "x" * 128, "_"]
BYTES = [b"", b"\0", b"\xff\xfe", bytes(range(256)), b"x" * 16384]
INTEGERS = {
    1: DOUBLES, 2: FLOATS, 3: INT64, 4: UINT64, 5: INT32, 6: UINT64,
    7: UINT32, 8: [False, True], 9: STRINGS, 12: BYTES, 13: UINT32,
    15: INT32, 16: INT64, 17: INT32, 18: INT64,
}  # fmt: skip
FLOATING, STRING, BYTES_TYPE, ENUM, BOOL = (1, 2), 9, 12, 14, 8


def is_map(field):
    return bool(schema.field_flags(field) & schema.MAP)


def is_list(field):
    return bool(schema.field_flags(field) & schema.REPEATED)


def has_presence(field):
    return bool(schema.field_flags(field) & schema.PRESENCE)


# ---------------------------------------------------------------- instances


class Generator:
    def __init__(self, rng):
        self.rng = rng

    def scalar(self, field):
        rng = self.rng
        if field.type == ENUM:
            if rng.random() < 0.15:
                return rng.choice([-1, 9999, 2**31 - 1, -(2**31)])
            return rng.choice(field.enum_type.values).number
        if rng.random() < 0.5:
            value = rng.choice(INTEGERS[field.type])
            if isinstance(value, bytes) and len(value) > 1000:
                return value if rng.random() < 0.05 else b"short"
            return value
        if field.type == STRING:
            return "".join(rng.choice("abcdef-é") for _ in range(rng.randrange(12)))
        if field.type == BYTES_TYPE:
            return rng.randbytes(rng.randrange(12))
        if field.type in FLOATING:
            value = rng.uniform(-1e6, 1e6)
            return value if field.type == 1 else round(value)
        return rng.choice(INTEGERS[field.type])

    def fill(self, message, chance, depth):
        """Sets each field with the given chance; `depth` levels remain."""
        chosen = {
            oneof.name: self.rng.choice(oneof.fields).name
            for oneof in schema.real_oneofs(message.DESCRIPTOR)
        }
        for field in message.DESCRIPTOR.fields:
            oneof = field.containing_oneof
            if oneof and chosen.get(oneof.name, field.name) != field.name:
                continue
            if self.rng.random() < chance:
                self.set_field(message, field, depth)

    def set_field(self, message, field, depth):
        rng = self.rng
        if is_map(field):
            self.fill_map(getattr(message, field.name), field, depth)
        elif is_list(field):
            items = getattr(message, field.name)
            for _ in range(rng.choice([1, 1, 2, 3, 9])):
                if not field.message_type:
                    items.append(self.scalar(field))
                elif depth > 0:
                    self.fill(items.add(), 0.4, depth - 1)
        elif field.message_type:
            sub = getattr(message, field.name)
            sub.SetInParent()
            if depth > 0:
                self.fill(sub, 0.4, depth - 1)
        else:
            setattr(message, field.name, self.scalar(field))

    def fill_map(self, target, field, depth):
        key, value = (field.message_type.fields_by_name[n] for n in ("key", "value"))
        for _ in range(self.rng.choice([1, 2, 3, 20])):
            k = self.scalar(key)
            if not value.message_type:
                target[k] = self.scalar(value)
            else:
                target[k].SetInParent()
                if depth > 0:
                    self.fill(target[k], 0.4, depth - 1)


# ------------------------------------------------ the same, written otherwise


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def split(data):
    """(number, wire type, value bytes without length, raw bytes) of each."""
    fields, at = [], 0
    while at < len(data):
        start = at
        tag, at = read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        body = at
        if wire == 0:
            _, at = read_varint(data, at)
        elif wire == 1:
            at += 8
        elif wire == 5:
            at += 4
        elif wire == 2:
            length, body = read_varint(data, at)
            at = body + length
        else:
            raise ValueError(f"wire type {wire}")
        fields.append((number, wire, data[body:at], data[start:at]))
    return fields


def delimited(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


class Scrambler:
    """Bytes that mean the same to a parser: fields in another order, unknown
    ones between them, messages in pieces, packed lists unpacked."""

    def __init__(self, rng):
        self.rng = rng

    def unknown(self, descriptor):
        rng = self.rng
        number = rng.choice([900, 2047, 2048, 65536, 2**29 - 1])
        if number in descriptor.fields_by_number:
            return b""
        kind = rng.randrange(5)
        if kind == 0:
            return varint(number << 3) + varint(rng.choice(UINT64))
        if kind == 1:
            return varint(number << 3 | 1) + rng.randbytes(8)
        if kind == 2:
            return varint(number << 3 | 5) + rng.randbytes(4)
        if kind == 3:
            return delimited(number, rng.randbytes(rng.randrange(5)))
        inner = varint(1 << 3) + b"\1" + varint(2 << 3 | 3) + varint(2 << 3 | 4)
        return varint(number << 3 | 3) + inner + varint(number << 3 | 4)

    def message(self, descriptor, data):
        if descriptor.full_name in schema.WRAPPERS:
            return data  # plain values in Lua: they hold nothing unknown
        pieces = []
        for number, wire, body, raw in split(data):
            field = descriptor.fields_by_number[number]
            pieces += [(number, p) for p in self.field(field, wire, body, raw)]
        if self.rng.random() < 0.5:
            pieces = self.interleave(pieces)
        out = []
        for _, piece in pieces:
            if self.rng.random() < 0.1:
                out.append(self.unknown(descriptor))
            out.append(piece)
        if self.rng.random() < 0.2:
            out.append(self.unknown(descriptor))
        return b"".join(out)

    def interleave(self, pieces):
        """Another order, the order within each field kept."""
        numbers = [number for number, _ in pieces]
        self.rng.shuffle(numbers)
        queues = {}
        for number, piece in pieces:
            queues.setdefault(number, []).append(piece)
        return [(number, queues[number].pop(0)) for number in numbers]

    def field(self, field, wire, body, raw):
        rng = self.rng
        if is_map(field):
            return [raw]
        if field.message_type:
            sub = field.message_type
            body = self.message(sub, body)
            if not is_list(field) and rng.random() < 0.2:
                return self.in_pieces(field.number, body)
            return [delimited(field.number, body)]
        if is_list(field) and wire == 2 and field.type not in (STRING, BYTES_TYPE):
            return self.unpacked(field, body) if rng.random() < 0.5 else [raw]
        return [raw]

    def in_pieces(self, number, body):
        try:
            parts = [raw for *_, raw in split(body)]
        except ValueError:  # a group among the unknown fields
            return [delimited(number, body)]
        at = self.rng.randrange(len(parts) + 1)
        halves = b"".join(parts[:at]), b"".join(parts[at:])
        return [delimited(number, half) for half in halves]

    def unpacked(self, field, body):
        width = {1: 8, 6: 8, 16: 8, 2: 4, 7: 4, 15: 4}.get(field.type)
        wire = {8: 1, 4: 5, None: 0}[width]
        out, at = [], 0
        while at < len(body):
            end = at + width if width else read_varint(body, at)[1]
            out.append(varint(field.number << 3 | wire) + body[at:end])
            at = end
        return out


# ------------------------------------------------------------ what Lua sees


class Number(str):
    """Already in the notation of the dump."""


class Viewer:
    def __init__(self, integers):
        self.integers = integers

    def integer(self, value):
        if self.integers and -(2**63) <= value < 2**63:
            return Number(f"i{value};")
        if not self.integers and abs(value) <= 2**53:
            return Number(f"f{value};")
        return str(value)

    def real(self, value):
        return Number("f" + ("nan" if value != value else "%.17g" % value) + ";")

    def scalar(self, field, value):
        if field.type == ENUM:
            known = field.enum_type.values_by_number.get(value)
            return known.name if known else self.integer(value)
        if field.type in FLOATING:
            return self.real(value)
        if field.type in (STRING, BYTES_TYPE, BOOL):
            return value
        return self.integer(value)

    def value(self, field, value):
        if not field.message_type:
            return self.scalar(field, value)
        if field.message_type.full_name in schema.WRAPPERS:
            inner = field.message_type.fields_by_name["value"]
            return self.scalar(inner, value.value)
        return self.message(value)

    def key(self, field, key):
        return self.scalar(field, key)

    def message(self, message):
        out = {}
        for field in message.DESCRIPTOR.fields:
            self.field(out, field, message)
        unknown = unknown_bytes(unknown_fields.UnknownFieldSet(message))
        if unknown:
            out["_unknown"] = unknown
        return out

    def field(self, out, field, message):
        value = getattr(message, field.name)
        if is_map(field):
            key, item = (field.message_type.fields_by_name[n] for n in ("key", "value"))
            entries = {self.key(key, k): self.value(item, v) for k, v in value.items()}
            out[field.name] = entries
        elif is_list(field):
            out[field.name] = self.list([self.value(field, v) for v in value])
        elif not has_presence(field) or message.HasField(field.name):
            out[field.name] = self.value(field, value)

    def list(self, items):
        return {self.integer(i + 1): item for i, item in enumerate(items)}


class Speller(Viewer):
    """The same value as a user may write it."""

    def __init__(self, integers, rng):
        super().__init__(integers)
        self.rng = rng
        self.zero = Viewer(integers)

    def integer(self, value):
        spellings = [super().integer(value), str(value)]
        if abs(value) <= 2**53:
            spellings.append(Number(f"f{value};"))
        return self.rng.choice(spellings)

    def key(self, field, key):
        return self.zero.scalar(field, key)

    def scalar(self, field, value):
        known = field.type == ENUM and field.enum_type.values_by_number.get(value)
        if known and self.rng.random() < 0.5:
            return short_name(known)
        if field.type == ENUM and (not known or self.rng.random() < 0.3):
            return self.zero.integer(value)
        return super().scalar(field, value)

    def value(self, field, value):
        spelled = super().value(field, value)
        sub = field.message_type
        if sub and sub.full_name in schema.WRAPPERS and self.rng.random() < 0.5:
            return self.message(value)
        return spelled

    def message(self, message):
        out = super().message(message)
        for field in message.DESCRIPTOR.fields:
            if has_presence(field) or self.rng.random() < 0.3:
                continue
            if not is_set(message, field):
                out.pop(field.name)
        return out

    def list(self, items):
        out = {self.zero.integer(i + 1): item for i, item in enumerate(items)}
        if self.rng.random() < 0.3:
            out["n"] = self.zero.integer(len(items))
        return out


def is_set(message, field):
    return any(f.number == field.number for f, _ in message.ListFields())


def short_name(value):
    names = [v.name for v in value.type.values]
    common = os.path.commonprefix(names) if len(names) > 1 else ""
    prefix = common[: common.rfind("_") + 1]
    return value.name[len(prefix) :].lower()


def unknown_bytes(fields):
    out = b""
    for field in fields:
        out += varint(field.field_number << 3 | field.wire_type)
        if field.wire_type == 0:
            out += varint(field.data)
        elif field.wire_type == 1:
            out += struct.pack("<Q", field.data)
        elif field.wire_type == 5:
            out += struct.pack("<I", field.data)
        elif field.wire_type == 2:
            out += varint(len(field.data)) + field.data
        else:
            out += unknown_bytes(field.data) + varint(field.field_number << 3 | 4)
    return out


def dump(value):
    """One notation for Lua's values, the same in proto_peer.lua: keys sorted
    by their own notation."""
    if isinstance(value, Number):
        return value.encode()
    if isinstance(value, bool):
        return b"t" if value else b"b"
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"s%d:%s" % (len(value), value)
    items = sorted((dump(k), dump(v)) for k, v in value.items())
    return b"{" + b"".join(k + v for k, v in items) + b"}"


# ---------------------------------------------------------------- the commands


def message_classes(which):
    if which == "every":
        messages = proto_peer_types.messages()
    else:
        found = schema.Schema(*schema.sources()).messages
        messages = [m for m in found if not schema.is_entry(m)]
    return [(m.full_name, message_factory.GetMessageClass(m)) for m in messages]


def put_frame(file, data):
    file.write(struct.pack(">I", len(data)))
    file.write(data)


def get_frames(file):
    while header := file.read(4):
        yield file.read(struct.unpack(">I", header)[0])


def instances(cls, rng, count, depths):
    """The empty one, one with every field, and random ones."""
    generator, scrambler = Generator(rng), Scrambler(rng)
    for i in range(count):
        message = cls()
        if i > 0:
            generator.fill(message, 1 if i == 1 else rng.random(), rng.choice(depths))
        data = message.SerializeToString()
        if i > 1:
            data = scrambler.message(cls.DESCRIPTOR, data)
        yield data


def generate(options):
    rng = random.Random(options.seed)
    viewer = Viewer(options.integers)
    speller = Speller(options.integers, rng)
    depths = [1, 3] if options.set == "schema" else [0, 1, 1]
    count = 0
    with open(options.file, "wb") as out:
        for name, cls in message_classes(options.set):
            for data in instances(cls, rng, options.count, depths):
                message = cls.FromString(data)
                put_frame(out, name.encode())
                put_frame(out, data)
                put_frame(out, dump(viewer.message(message)))
                put_frame(out, dump(speller.message(message)))
                count += 1
    print(count)


def canonical(cls, data):
    return cls.FromString(data).SerializeToString(deterministic=True)


def check(options):
    classes = dict(message_classes(options.set))
    count = 0
    with open(options.file, "rb") as given, open(options.answers, "rb") as answers:
        frames, replies = get_frames(given), get_frames(answers)
        for name in frames:
            cls = classes[name.decode()]
            data, _, _ = next(frames), next(frames), next(frames)
            expected = canonical(cls, data)
            for what in ("decoded and encoded again", "encoded from a table"):
                reply = next(replies, None)
                if reply is None or canonical(cls, reply) != expected:
                    sys.exit(
                        f"{name.decode()}, message {count} of the file, {what}:\n"
                        f"given   {data.hex()}\nanswer  {(reply or b'').hex()}"
                    )
            count += 1
    print(count)


OPEN = """
#include "base/parts.h"
__attribute__((visibility("default"))) int luaopen_temporal_core(lua_State *L);
int luaopen_temporal_core(lua_State *L) {
  lua_newtable(L);
  ltp_open_message(L, 0);
  return 1;
}
"""


def table(_):
    """With the message codec's own luaopen, so that this is a module."""
    text = schema.Table(proto_peer_types.schema()).render("/* Made by a test. */")
    print(text + OPEN)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=["generate", "check", "table"])
    parser.add_argument("--set", choices=["schema", "every"], default="schema")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=8, help="of each message")
    parser.add_argument("--integers", type=int, default=1, help="has the VM any?")
    parser.add_argument("--file", help="the messages")
    parser.add_argument("--answers", help="what Lua made of them")
    options = parser.parse_args()
    {"generate": generate, "check": check, "table": table}[options.command](options)


if __name__ == "__main__":
    main()
