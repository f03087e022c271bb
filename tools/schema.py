"""Writes csrc/core/proto/schema_table.c: every message, enum and RPC the SDK knows,
as const C tables (csrc/core/proto/schema.h).

Usage: python tools/schema.py > csrc/core/proto/schema_table.c      (make schema)

The facts come from the descriptors in the pinned `temporalio` wheel and in
`googleapis-common-protos`. The same input gives the same bytes; the banner
names the input, so that a test can tell a stale table.
"""

import hashlib
import importlib
import importlib.metadata
import pathlib
import pkgutil
import re
import sys

from google.protobuf import descriptor_pb2, descriptor_pool

# Messages reachable from these are taken. RPCs are looked up by method name
# in the order of the services here.
SERVICES = [
    ("temporalio.api.workflowservice.v1.service_pb2", "WorkflowService"),
    ("temporalio.api.operatorservice.v1.service_pb2", "OperatorService"),
    ("temporalio.api.testservice.v1.service_pb2", "TestService"),
]
FILES = [
    "temporalio.api.errordetails.v1.message_pb2",
    "temporalio.api.failure.v1.message_pb2",
    "temporalio.api.update.v1.message_pb2",
    "google.rpc.status_pb2",
]
PACKAGES = ["temporalio.api.sdk.v1"]
DISTRIBUTIONS = ["temporalio", "googleapis-common-protos"]

REPEATED, PACKED, MAP, PRESENCE = 1, 2, 4, 8
ENTRY, WRAPPER = 1, 2
WRAPPERS = {
    "google.protobuf." + kind + "Value"
    for kind in "Double Float Int64 UInt64 Int32 UInt32 Bool String Bytes".split()
}
MAX_FIELDS, MAX_ONEOFS = 128, 15
POOL_PART = 3800  # bytes; C99 promises 4,095 for one literal


def health_file():
    """grpc.health.v1, which the wheel has only under another package name."""
    proto = descriptor_pb2.FileDescriptorProto(
        name="grpc/health/v1/health.proto",
        package="grpc.health.v1",
        syntax="proto3",
    )
    request = proto.message_type.add(name="HealthCheckRequest")
    request.field.add(name="service", number=1, type=9, label=1)
    response = proto.message_type.add(name="HealthCheckResponse")
    response.field.add(
        name="status",
        number=1,
        type=14,
        label=1,
        type_name=".grpc.health.v1.HealthCheckResponse.ServingStatus",
    )
    status = response.enum_type.add(name="ServingStatus")
    for number, name in enumerate(
        ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"]
    ):
        status.value.add(name=name, number=number)
    service = proto.service.add(name="Health")
    for method in ["Check", "Watch"]:
        service.method.add(
            name=method,
            input_type=".grpc.health.v1.HealthCheckRequest",
            output_type=".grpc.health.v1.HealthCheckResponse",
            server_streaming=method == "Watch",
        )
    return proto


def health_descriptor():
    pool = descriptor_pool.DescriptorPool()
    pool.Add(health_file())
    return pool.FindFileByName("grpc/health/v1/health.proto")


def sources():
    """The services, in lookup order, and the files taken whole."""
    services, files = [], []
    for module, name in SERVICES:
        descriptor = importlib.import_module(module).DESCRIPTOR
        services.append(descriptor.services_by_name[name])
    services.append(health_descriptor().services_by_name["Health"])
    names = list(FILES)
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        for module in sorted(m.name for m in pkgutil.iter_modules(path)):
            if module.endswith("_pb2"):
                names.append(package + "." + module)
    for name in names:
        files.append(importlib.import_module(name).DESCRIPTOR)
    return services, files


def is_entry(message):
    return message.GetOptions().map_entry


class Schema:
    """Everything reachable from the services and files, sorted by name."""

    def __init__(self, services, files):
        self.services = services
        self.found_messages, self.found_enums = {}, {}
        for service in services:
            for method in service.methods:
                self.add(method.input_type)
                self.add(method.output_type)
        for file in files:
            for message in file.message_types_by_name.values():
                self.add(message)
            for enum in file.enum_types_by_name.values():
                self.found_enums[enum.full_name] = enum
        self.messages = by_full_name(self.found_messages)
        self.enums = by_full_name(self.found_enums)
        self.message_index = index_of(self.messages)
        self.enum_index = index_of(self.enums)

    def add(self, message):
        pending = [message]
        while pending:
            message = pending.pop()
            if message.full_name in self.found_messages:
                continue
            self.found_messages[message.full_name] = message
            pending.extend(message.nested_types)
            for enum in message.enum_types:
                self.found_enums[enum.full_name] = enum
            for field in message.fields:
                if field.message_type:
                    pending.append(field.message_type)
                if field.enum_type:
                    self.found_enums[field.enum_type.full_name] = field.enum_type


def by_full_name(found):
    return [found[name] for name in sorted(found)]


def index_of(items):
    return {item.full_name: i for i, item in enumerate(items)}


class Strings:
    """One pool; names of fields and enum values first, so that their ids are
    small and dense (the binding caches them as Lua strings)."""

    def __init__(self, *groups):
        self.ids = {}
        self.ends = []
        for group in groups:
            for text in sorted(set(group)):
                self.ids.setdefault(text, len(self.ids))
            self.ends.append(len(self.ids))
        self.list = sorted(self.ids, key=self.ids.get)


def enum_prefix(enum):
    """WorkflowIdReusePolicy -> WORKFLOW_ID_REUSE_POLICY_, when all have it."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name)
    prefix = words.upper() + "_"
    everywhere = all(value.name.startswith(prefix) for value in enum.values)
    return len(prefix) if everywhere else 0


def check_range(value, limit, what):
    if not 0 <= value <= limit:
        sys.exit(f"schema.py: {what} is {value}, the table takes up to {limit}")
    return value


def field_flags(field):
    flags = 0
    repeated = getattr(field, "is_repeated", None)
    if repeated is None:
        repeated = field.label == field.LABEL_REPEATED
    if field.message_type and repeated and is_entry(field.message_type):
        flags |= MAP
    elif repeated:
        flags |= REPEATED
        if getattr(field, "is_packed", False):
            flags |= PACKED
    elif field.has_presence:
        flags |= PRESENCE
    return flags


def real_oneofs(message):
    """Without the hidden one that proto3 makes of each `optional` field."""
    return [
        oneof
        for oneof in message.oneofs
        if not (len(oneof.fields) == 1 and oneof.name == "_" + oneof.fields[0].name)
    ]


class Table:
    """The C text."""

    def __init__(self, schema):
        self.schema = schema
        paths = [
            f"/{service.full_name}/{method.name}"
            for service in schema.services
            for method in service.methods
        ]
        self.strings = Strings(
            [f.name for m in schema.messages for f in m.fields],
            [v.name for e in schema.enums for v in e.values],
            [x.full_name for x in schema.messages + schema.enums] + paths,
        )
        check_range(len(self.strings.list), 0xFFFF, "the number of strings")

    def render(self, banner):
        s = self.schema
        return "\n".join(
            [
                banner,
                '#include "schema_table.h"\n',
                "const tp_schema_size tp_schema_count = {",
                f"  {len(s.messages)}, {len(s.enums)}, {len(s.services)},",
                f"  {sum(len(x.methods) for x in s.services)},",
                f"  {self.strings.ends[1]}",
                "};\n",
                self.pool(),
                self.message_tables(),
                self.enum_tables(),
                self.rpc_tables(),
            ]
        )

    def pool(self):
        parts, size = [[]], 0
        for text in self.strings.list:
            if size + len(text) + 1 > POOL_PART:
                parts.append([])
                size = 0
            parts[-1].append(text)
            size += len(text) + 1
        lines = ["static const struct {"]
        for i, part in enumerate(parts):
            lines.append(f"  char part{i}[{sum(len(t) + 1 for t in part)}];")
        lines.append("} pool = {")
        for part in parts:
            for i, text in enumerate(part):
                end = '",' if i == len(part) - 1 else '\\0"'
                lines.append(f'  "{text}{end}')
        lines.append("};\n")
        lines.append("const char *tp_schema_pool(void) {")
        lines.append("  return (const char *)&pool;")
        lines.append("}\n")
        offsets = [0]
        for text in self.strings.list:
            offsets.append(offsets[-1] + len(text) + 1)
        lines.append("const uint32_t tp_schema_strings[] = {")
        lines.append(wrapped(offsets))
        lines.append("};\n")
        return "\n".join(lines)

    def message_tables(self):
        messages, fields, by_name = [], [], []
        for message in self.schema.messages:
            own = sorted(message.fields, key=lambda f: f.number)
            check_range(len(own), MAX_FIELDS, f"fields of {message.full_name}")
            first = check_range(len(fields), 0xFFFF, "the number of fields")
            oneofs = real_oneofs(message)
            check_range(len(oneofs), MAX_ONEOFS, f"oneofs of {message.full_name}")
            rows, always = [], 0
            for field in own:
                flags = field_flags(field)
                always += not flags & PRESENCE
                if field.containing_oneof in oneofs:
                    flags |= (oneofs.index(field.containing_oneof) + 1) << 4
                rows.append(self.field_row(field, flags))
            fields += rows
            order = sorted(own, key=lambda f: (len(f.name), f.name))
            by_name += [own.index(field) for field in order]
            flags = ENTRY if is_entry(message) else 0
            flags |= WRAPPER if message.full_name in WRAPPERS else 0
            name = self.strings.ids[message.full_name]
            messages.append(f"  {{{name}, {first}, {len(own)}, {always}, {flags}, 0}},")
        return "\n".join(
            ["const tp_message tp_schema_messages[] = {"]
            + messages
            + ["};\n", "const tp_field tp_schema_fields[] = {"]
            + fields
            + ["};\n", "const uint8_t tp_schema_by_name[] = {"]
            + [wrapped(by_name), "};\n"]
        )

    def field_row(self, field, flags):
        number = check_range(field.number, 0xFFFF, f"number of {field.full_name}")
        sub = 0
        if field.type == field.TYPE_GROUP:
            sys.exit(f"schema.py: {field.full_name} is a group")
        if field.message_type:
            sub = self.schema.message_index[field.message_type.full_name]
        elif field.enum_type:
            sub = self.schema.enum_index[field.enum_type.full_name]
        name = self.strings.ids[field.name]
        return f"  {{{number}, {name}, {sub}, {field.type}, {flags}}},"

    def enum_tables(self):
        enums, values = [], []
        for enum in self.schema.enums:
            # Of several names for one number the first declared is the name.
            own = sorted(enum.values, key=lambda v: v.number)
            order = sorted(own, key=lambda v: v.name)
            name = self.strings.ids[enum.full_name]
            prefix = enum_prefix(enum)
            enums.append(f"  {{{name}, {len(values)}, {len(own)}, {prefix}}},")
            for value, ordered in zip(own, order):
                name = self.strings.ids[value.name]
                values.append(f"  {{{value.number}, {name}, {own.index(ordered)}}},")
        return "\n".join(
            ["const tp_enum tp_schema_enums[] = {"]
            + enums
            + ["};\n", "const tp_enum_value tp_schema_values[] = {"]
            + values
            + ["};\n"]
        )

    def rpc_tables(self):
        services, rpcs = [], []
        for service in self.schema.services:
            prefix = f"/{service.full_name}/"
            methods = sorted(service.methods, key=lambda m: m.name)
            services.append(f"  {{{len(rpcs)}, {len(methods)}, {len(prefix)}}},")
            for method in methods:
                path = self.strings.ids[prefix + method.name]
                request = self.schema.message_index[method.input_type.full_name]
                response = self.schema.message_index[method.output_type.full_name]
                rpcs.append(f"  {{{path}, {request}, {response}}},")
        none = ["  {0, 0, 0},"]  # C has no empty arrays
        return "\n".join(
            ["const tp_service tp_schema_services[] = {"]
            + (services or none)
            + ["};\n", "const tp_rpc tp_schema_rpcs[] = {"]
            + (rpcs or none)
            + ["};\n"]
        )


def wrapped(numbers):
    """Comma-separated numbers in lines of at most 80 columns."""
    lines, line = [], " "
    for number in numbers:
        item = f" {number},"
        if len(line) + len(item) > 80:
            lines.append(line)
            line = " "
        line += item
    return "\n".join(lines + [line])


def banner():
    source = pathlib.Path(__file__).read_bytes()
    versions = [
        f"{name} {importlib.metadata.version(name)}" for name in DISTRIBUTIONS
    ]
    return "\n".join(
        [
            "/* GENERATED by `make schema` (tools/schema.py): do not edit.",
            f"** Generator: sha256 {hashlib.sha256(source).hexdigest()}",
            f"** Descriptors: {', '.join(versions)}",
            "** Const data for schema_table.h: any thread, nothing can fail.",
            "*/",
        ]
    )


def main():
    services, files = sources()
    text = Table(Schema(services, files)).render(banner())
    sys.stdout.write(text.rstrip("\n") + "\n")


if __name__ == "__main__":
    main()
