"""A message type with every kind of field protobuf has, for proto_peer.py: the
API's own messages use only some of them."""

import pathlib
import sys

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf import wrappers_pb2

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import schema as generator  # noqa: E402

NAMES = {
    1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 6: "fixed64",
    7: "fixed32", 8: "bool", 9: "string", 12: "bytes", 13: "uint32",
    14: "enum", 15: "sfixed32", 16: "sfixed64", 17: "sint32", 18: "sint64",
}  # fmt: skip
KEYS = [3, 4, 5, 6, 7, 8, 9, 13, 15, 16, 17, 18]
MESSAGE, REPEATED = 11, 3
COLOR, EVERY = ".every.Color", ".every.Every"


def camel(name):
    return "".join(word.capitalize() for word in name.split("_"))


class Builder:
    def __init__(self):
        self.file = descriptor_pb2.FileDescriptorProto(
            name="every.proto",
            package="every",
            syntax="proto3",
            dependency=["google/protobuf/wrappers.proto"],
        )
        color = self.file.enum_type.add(name="Color")
        for name, number in [("UNSPECIFIED", 0), ("RED", 1), ("BLUE", -7), ("X9", 90)]:
            color.value.add(name="COLOR_" + name, number=number)
        self.message = self.file.message_type.add(name="Every")
        self.number = 0

    def add(self, name, kind, number=None, **more):
        if number is None:
            self.number += 1
            number = self.number
        type_name = more.pop("type_name", COLOR if kind == 14 else None)
        return self.message.field.add(
            name=name, number=number, type=kind, type_name=type_name, **more
        )

    def scalars(self):
        for kind, name in NAMES.items():
            self.add("one_" + name, kind, label=1)
            index = len(self.message.oneof_decl)
            self.message.oneof_decl.add(name="_maybe_" + name)
            self.add(
                "maybe_" + name, kind, label=1, oneof_index=index, proto3_optional=True
            )
            self.add("list_" + name, kind, label=REPEATED)
            if kind not in (9, 12):
                field = self.add("loose_" + name, kind, label=REPEATED)
                field.options.packed = False

    def maps(self):
        for key in KEYS:
            self.map(f"by_{NAMES[key]}", key, 9)
        for value in NAMES:
            self.map(f"to_{NAMES[value]}", 9, value)
        self.map("to_message", 5, MESSAGE, EVERY)
        self.map("to_wrapper", 5, MESSAGE, ".google.protobuf.Int64Value")

    def map(self, name, key, value, type_name=None):
        entry = self.message.nested_type.add(name=camel(name) + "Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=key, label=1)
        type_name = COLOR if value == 14 else type_name
        entry.field.add(name="value", number=2, type=value, label=1, type_name=type_name)
        self.add(name, MESSAGE, label=REPEATED, type_name=f"{EVERY}.{entry.name}")

    def oneofs(self):
        for index, name in enumerate(["choice", "other"]):
            self.message.oneof_decl.add(name=name)
            for kind in (9, 3, 14):
                self.add(f"{name}_{NAMES[kind]}", kind, label=1, oneof_index=index)
            self.add(
                f"{name}_message", MESSAGE, label=1, oneof_index=index, type_name=EVERY
            )

    def messages(self):
        self.add("one_message", MESSAGE, label=1, type_name=EVERY)
        self.add("list_message", MESSAGE, label=REPEATED, type_name=EVERY)
        for wrapper in wrappers_pb2.DESCRIPTOR.message_types_by_name.values():
            name = wrapper.name.lower()
            type_name = "." + wrapper.full_name
            self.add(name, MESSAGE, label=1, type_name=type_name)
            if wrapper.name in ("Int64Value", "StringValue"):
                self.add(f"list_{name}", MESSAGE, label=REPEATED, type_name=type_name)
        self.add("far", 5, number=65535, label=1)


def split_up(file):
    """The table takes 128 fields in a message: scalars stay in Every, the rest
    goes to Maps, whose values and members are Every and Maps again."""
    every = file.message_type[0]
    maps = file.message_type.add(name="Maps")
    moved = [f for f in every.field if f.name.startswith(("by_", "to_"))]
    for field in moved:
        every.field.remove(field)
        field.type_name = field.type_name.replace(EVERY + ".", ".every.Maps.")
    maps.field.extend(moved)
    maps.nested_type.extend(every.nested_type)
    del every.nested_type[:]
    every.field.add(
        name="maps", number=65534, type=MESSAGE, label=1, type_name=".every.Maps"
    )


def file_descriptor():
    builder = Builder()
    builder.oneofs()  # protoc wants them before the hidden ones of `optional`
    builder.scalars()
    builder.maps()
    builder.messages()
    split_up(builder.file)
    pool = descriptor_pool.DescriptorPool()
    wrappers = descriptor_pb2.FileDescriptorProto()
    wrappers_pb2.DESCRIPTOR.CopyToProto(wrappers)
    pool.Add(wrappers)
    pool.Add(builder.file)
    return pool.FindFileByName("every.proto")


def messages():
    return list(file_descriptor().message_types_by_name.values())


def schema():
    return generator.Schema([], [file_descriptor()])
