"""google.protobuf.json_format as the other side of csrc/core/json/protojson*.c.

  generate: writes random messages to a file, as bytes and as JSON text
  check:    compares what Lua made of both with the messages and the text
  verdicts: reads lines of type, tab and JSON text from a file; writes for each
            `accepted` and the bytes, or `refused` and why
  table:    the C descriptor tables of the set `known` (tools/schema.py)

Sets: `schema` is every message of tools/schema.py; `known` has each kind of
field protobuf has, and each well-known type in each place.

A file has one line for a message: fields in hexadecimal, a space between.
`generate` writes type name, bytes, JSON text and the name of a spelling;
`check` reads two for each: the JSON text and the bytes that Lua wrote.
"""

import argparse
import json
import random
import sys

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool
from google.protobuf import duration_pb2, empty_pb2, field_mask_pb2, json_format
from google.protobuf import message_factory, struct_pb2, timestamp_pb2
from google.protobuf import wrappers_pb2

import proto_peer
import proto_peer_types
from proto_peer import schema

SPELLINGS = {
    "plain": {},
    "proto": {"preserving_proto_field_name": True},
    "numbers": {"use_integers_for_enums": True, "unquote_int64_if_possible": True},
    "wide": {"indent": 1, "ensure_ascii": False, "sort_keys": True},
}
MODULES = [
    any_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2,
    wrappers_pb2,
]  # fmt: skip
KNOWN = """Timestamp Duration FieldMask Any Struct Value ListValue Empty
           Int64Value DoubleValue BytesValue""".split()
MESSAGE, STRING, ENUM, OPTIONAL, REPEATED = 11, 9, 14, 1, 3


# ---------------------------------------------------------------- the set `known`


def known_file():
    """Each well-known type alone, in a list, in a map and in a oneof."""
    file = descriptor_pb2.FileDescriptorProto(
        name="known.proto",
        package="known",
        syntax="proto3",
        dependency=["every.proto"] + [m.DESCRIPTOR.name for m in MODULES],
    )
    message = file.message_type.add(name="Known")
    message.oneof_decl.add(name="choice")

    def add(name, kind, label, type_name, **more):
        number = len(message.field) + 1
        message.field.add(
            name=name, number=number, type=kind, label=label, type_name=type_name, **more
        )

    for name in KNOWN:
        field, full = name.lower(), ".google.protobuf." + name
        add("one_" + field, MESSAGE, OPTIONAL, full)
        add("some_" + field, MESSAGE, REPEATED, full)
        add("choice_" + field, MESSAGE, OPTIONAL, full, oneof_index=0)
        entry = message.nested_type.add(name=f"ByName{name.capitalize()}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=STRING, label=OPTIONAL)
        entry.field.add(
            name="value", number=2, type=MESSAGE, label=OPTIONAL, type_name=full
        )
        add(f"by_name_{field}", MESSAGE, REPEATED, f".known.Known.{entry.name}")
    null = ".google.protobuf.NullValue"
    add("choice_null", ENUM, OPTIONAL, null, oneof_index=0)
    add("again", MESSAGE, OPTIONAL, ".known.Known")
    add("every_field_2x", MESSAGE, OPTIONAL, ".every.Every")
    return file


def known_files():
    pool = descriptor_pool.DescriptorPool()
    for module in MODULES:
        proto = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(proto)
        pool.Add(proto)
    proto = descriptor_pb2.FileDescriptorProto()
    proto_peer_types.file_descriptor().CopyToProto(proto)
    pool.Add(proto)
    pool.Add(known_file())
    return pool, [pool.FindFileByName(n) for n in ("every.proto", "known.proto")]


def known_schema():
    return schema.Schema([], known_files()[1])


class Set:
    def __init__(self, name):
        if name == "schema":
            self.pool = descriptor_pool.Default()
            found = schema.Schema(*schema.sources())
        else:
            self.pool, files = known_files()
            found = schema.Schema([], files)
        messages = [m for m in found.messages if not schema.is_entry(m)]
        self.classes = {
            m.full_name: message_factory.GetMessageClass(m) for m in messages
        }
        self.default = {}  # is it in json_format's default pool, so that an Any may be of it?
        for full_name in self.classes:
            try:
                self.pool.FindMessageTypeByName(full_name)
                self.default[full_name] = self.classes[full_name]
            except KeyError:
                pass

    def text(self, message, **spelling):
        return json_format.MessageToJson(
            message, descriptor_pool=self.pool, **{"indent": None, **spelling}
        )

    def parse(self, text, cls, **options):
        return json_format.Parse(text, cls(), descriptor_pool=self.pool, **options)


# ---------------------------------------------------------------- instances


class Generator(proto_peer.Generator):
    """Messages that have a JSON form."""

    def __init__(self, rng, types):
        super().__init__(rng)
        self.types = types

    def fill(self, message, chance, depth):
        name = message.DESCRIPTOR.full_name
        special = name.startswith("google.protobuf.") and getattr(
            self, "fill_" + name.rpartition(".")[2].lower(), None
        )
        if special:
            special(message, depth)
        else:
            super().fill(message, chance, depth)

    def nanos(self):
        return self.rng.choice([0, 0, 1, 250000000, 1500000, 1230, 999999999])

    def fill_timestamp(self, message, depth):
        ends = [-62135596800, 253402300799, 0, -1, 951782400, 1709164799, 4107542400]
        anywhere = self.rng.randrange(-62135596800, 253402300800)
        message.seconds = self.rng.choice(ends + [anywhere] * 5)
        message.nanos = self.nanos()

    def fill_duration(self, message, depth):
        sign = self.rng.choice([-1, 1])
        message.seconds = sign * self.rng.choice([0, 0, 1, 86400, 315576000000])
        message.nanos = sign * self.nanos()

    def fill_fieldmask(self, message, depth):
        paths = ["a", "retry_policy.maximum_attempts", "x9", "task_queue", "é"]
        message.paths.extend(self.rng.sample(paths, self.rng.randrange(4)))

    def fill_any(self, message, depth):
        if self.rng.random() < 0.1:
            return
        name, cls = self.rng.choice(sorted(self.types.items()))
        if self.rng.random() < 0.3:
            known = [n for n in self.types if n.startswith("google.protobuf.")]
            name = self.rng.choice(sorted(known))
            cls = self.types[name]
        inner = cls()
        if depth > 0:
            self.fill(inner, 0.4, depth - 1)
        elif name == "google.protobuf.Value":
            inner.null_value = 0
        message.type_url = "type.googleapis.com/" + name
        message.value = inner.SerializeToString()

    def fill_value(self, message, depth):
        kind = self.rng.randrange(6 if depth > 0 else 4)
        if kind == 0:
            message.null_value = 0
        elif kind == 1:
            message.number_value = self.rng.choice([0, -0.0, 1, 1.5, -7e300, 5e-324])
        elif kind == 2:
            message.string_value = self.rng.choice(proto_peer.STRINGS)
        elif kind == 3:
            message.bool_value = self.rng.random() < 0.5
        elif kind == 4:
            message.struct_value.SetInParent()
            self.fill(message.struct_value, 1, depth - 1)
        else:
            message.list_value.SetInParent()
            self.fill(message.list_value, 1, depth - 1)

    def set_field(self, message, field, depth):
        # a Value must be something, or it comes back as null
        sub = field.message_type
        deeper = sub is not None and sub.full_name == "google.protobuf.Value"
        super().set_field(message, field, max(depth, 1) if deeper else depth)

    def fill_map(self, target, field, depth):
        value = field.message_type.fields_by_name["value"]
        sub = value.message_type
        deeper = sub is not None and sub.full_name == "google.protobuf.Value"
        super().fill_map(target, field, max(depth, 1) if deeper else depth)

    def scalar(self, field):
        if field.type == ENUM and field.enum_type.full_name.endswith(".NullValue"):
            return 0
        return super().scalar(field)


def generate(options):
    rng = random.Random(options.seed)
    found = Set(options.set)
    generator, scrambler = Generator(rng, found.default), proto_peer.Scrambler(rng)
    depths = [1, 3] if options.set == "schema" else [0, 1, 1]
    count = 0
    with open(options.file, "w") as out:
        for name, cls in found.classes.items():
            for i in range(options.count):
                message = cls()
                if i > 0:
                    chance = 1 if i == 1 else rng.random()
                    generator.fill(message, chance, rng.choice(depths))
                if name == "google.protobuf.Value" and i == 0:
                    message.null_value = 0
                data = message.SerializeToString()
                if i > 1:
                    data = scrambler.message(cls.DESCRIPTOR, data)
                spelling = rng.choice(sorted(SPELLINGS))
                text = found.text(message, **SPELLINGS[spelling])
                row = [name.encode(), data, text.encode(), spelling.encode()]
                print(*[part.hex() or "-" for part in row], file=out)
                count += 1
    print(count)


def parts(line):
    return [bytes.fromhex(part.replace("-", "")) for part in line.split()]


def same(found, one, other):
    """Equal, or equal but for the order of the fields within an Any's bytes."""
    first, second = (m.SerializeToString(deterministic=True) for m in (one, other))
    return first == second or (
        b"type.googleapis.com/" in first
        and len(first) == len(second)
        and found.text(one, sort_keys=True) == found.text(other, sort_keys=True)
    )


def check(options):
    found = Set(options.set)
    count = 0
    with open(options.file) as given, open(options.answers) as answers:
        for line in given:
            name, data, text, spelling = parts(line)
            written, read = parts(next(answers))
            cls = found.classes[name.decode()]
            message = cls.FromString(data)
            message.DiscardUnknownFields()
            proto = SPELLINGS[spelling.decode()].get("preserving_proto_field_name", False)
            expected = found.text(message, preserving_proto_field_name=proto)
            # Python's text of the largest float is more than it reads itself.
            expected = expected.replace("3.4028235e+38", "3.4028234663852886e+38")
            place = f"{name.decode()}, message {count} of the file"
            if json.loads(written) != json.loads(expected):
                sys.exit(f"{place}, JSON:\n{expected}\nLua wrote\n{written.decode()}")
            if not same(found, found.parse(written, cls), message):
                sys.exit(f"{place}: Python reads otherwise\n{written.decode()}")
            if not same(found, cls.FromString(read), message):
                sys.exit(f"{place}: Lua read otherwise\n{text.decode()}\n{read.hex()}")
            count += 1
    print(count)


def verdicts(options):
    found = Set(options.set)
    with open(options.file, encoding="utf-8") as given:
        for line in given:
            name, text = line.rstrip("\n").split("\t", 1)
            cls = found.classes[name]
            try:
                print("accepted", found.parse(text, cls).SerializeToString().hex())
            except (json_format.ParseError, UnicodeError) as error:
                print("refused", str(error).splitlines()[0])


OPEN = """
#include "base/parts.h"
__attribute__((visibility("default"))) int luaopen_temporal_core(lua_State *L);
int luaopen_temporal_core(lua_State *L) {
  lua_newtable(L);
  ltp_open_message(L, 0);
  ltp_open_value(L, 0);
  ltp_open_json(L, 0);
  ltp_open_payload(L, 0);
  ltp_open_protojson(L, 0);
  return 1;
}
"""


def table(_):
    print(schema.Table(known_schema()).render("/* Made by a test. */") + OPEN)


def main():
    commands = {"generate": generate, "check": check, "verdicts": verdicts, "table": table}
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=sorted(commands))
    parser.add_argument("--set", choices=["schema", "known"], default="schema")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=8, help="of each message")
    parser.add_argument("--file", help="the messages")
    parser.add_argument("--answers", help="what Lua made of them")
    options = parser.parse_args()
    commands[options.command](options)


if __name__ == "__main__":
    main()
