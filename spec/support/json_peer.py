"""The other side of the JSON property test: Python's json module.

usage: json_peer.py generate SEED COUNT FILE [--no-integers]   writes frames for Lua to decode
       json_peer.py check FILE [--no-integers]                 checks frames that Lua wrote
A frame is "<bytes of text> <bytes of canonical>\n<text>\n<canonical>\n". The canonical form spells
a value without JSON: n t f, i<digits>;, d<sign><53-bit mantissa>p<exponent>;, s<hex>;, [...], {...}
with sorted keys. --no-integers: the Lua VM has one kind of number, so integral floats below 2^53
count as integers. The last line printed is "ok N", or says what differs.
"""

import json
import math
import random
import struct
import sys

INT64 = 2 ** 63
ALL = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def canonical_float(x, integers):
    if not integers and x == int(x) and abs(x) <= 2 ** 53 and (x or math.copysign(1, x) > 0):
        return b"i%d;" % int(x)
    sign = b"-" if math.copysign(1, x) < 0 else b"+"
    if x == 0:
        return b"d%s0p0;" % sign
    mantissa, exponent = math.frexp(abs(x))
    return b"d%s%dp%d;" % (sign, int(mantissa * 2 ** 53), exponent - 1)


def canonical(value, integers):
    if value is None:
        return b"n"
    if value is True:
        return b"t"
    if value is False:
        return b"f"
    if isinstance(value, int):
        # Beyond int64 the rule is: the nearest double.
        if -INT64 <= value < INT64:
            return b"i%d;" % value
        return canonical_float(float(value), integers)
    if isinstance(value, float):
        return canonical_float(value, integers)
    if isinstance(value, str):
        return b"s%s;" % value.encode("utf-8").hex().encode()
    if isinstance(value, list):
        return b"[" + b"".join(canonical(item, integers) for item in value) + b"]"
    members = sorted((canonical(k, integers), v) for k, v in value.items())
    return b"{" + b"".join(k + canonical(v, integers) for k, v in members) + b"}"


def random_float(r):
    kind = r.randrange(6)
    if kind == 0:
        return r.uniform(-1e6, 1e6)
    if kind == 1:
        return round(r.uniform(-1e6, 1e6), r.randrange(1, 6))
    if kind == 2:  # powers of two and their neighbours
        x = math.ldexp(1.0, r.randrange(-1074, 1024))
        return r.choice([x, math.nextafter(x, 0), math.nextafter(x, 1e308)])
    if kind == 3:  # subnormal
        return struct.unpack(">d", struct.pack(">Q", r.getrandbits(r.randrange(1, 53))))[0]
    if kind == 4:
        return r.choice([0.0, -0.0, 1.0, 5e-324, 2.2250738585072014e-308, sys.float_info.max, 1e22,
                         1e23, 9007199254740993.0, 0.1, 0.1 + 0.2, 123456789012345680.0])
    while True:
        x = struct.unpack(">d", struct.pack(">Q", r.getrandbits(64)))[0]
        if math.isfinite(x):
            return x


def random_integer(r):
    if r.random() < 0.1:
        return r.choice([0, -1, INT64 - 1, -INT64, INT64, -INT64 - 1, 2 ** 53, 2 ** 53 + 1,
                         -2 ** 53 - 1, 2 ** 64, 10 ** 18, 10 ** 19, 10 ** 40])
    return r.getrandbits(r.randrange(1, 66)) * r.choice([1, -1])


def random_string(r):
    length = r.choice([0, 1, 2, 5, 10, 40])
    pool = r.choice([range(0x20, 0x7F), range(0x20), range(0x80, 0x800), ALL])
    return "".join(chr(r.choice(pool)) for _ in range(length))


def random_value(r, depth):
    kind = r.randrange(9 if depth > 0 else 7)
    if kind == 0:
        return r.choice([None, True, False])
    if kind <= 2:
        return random_integer(r)
    if kind <= 4:
        return random_float(r)
    if kind <= 6:
        return random_string(r)
    if kind == 7:
        return [random_value(r, depth - 1) for _ in range(r.randrange(6))]
    return {random_string(r): random_value(r, depth - 1) for _ in range(r.randrange(6))}


def random_text(r, value):
    indent = r.choice([None, None, 1, "\t"])
    separators = r.choice([None, (",", ":"), (" ,\n", " : ")])
    text = json.dumps(value, ensure_ascii=r.random() < 0.5, indent=indent, separators=separators)
    return text.encode("utf-8")


def write_frame(out, text, form):
    out.write(b"%d %d\n%s\n%s\n" % (len(text), len(form), text, form))


def generate(seed, count, path, integers):
    r = random.Random(seed)
    with open(path, "wb") as out:
        for start in range(0, len(ALL), 8192):  # every character, as itself and escaped
            text = "".join(map(chr, ALL[start:start + 8192]))
            for ascii_only in (False, True):
                data = json.dumps(text, ensure_ascii=ascii_only).encode("utf-8")
                write_frame(out, data, canonical(text, integers))
        for _ in range(count):
            value = random_value(r, 5)
            write_frame(out, random_text(r, value), canonical(value, integers))
    print("ok %d" % count)


def digits_of(text):
    """A number's digits and power of ten, however it is written."""
    mantissa, _, exponent = text.lstrip("-").lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    power = int(exponent or 0) - len(fraction) + len(digits) - len(digits.rstrip("0"))
    return digits.rstrip("0") or "0", power if digits.rstrip("0") else 0


def shortest(text):
    """The hook for floats: Python's repr is the shortest that reads back."""
    if digits_of(text) != digits_of(repr(float(text))):
        raise ValueError("%s is not the shortest form of %r" % (text, float(text)))
    return float(text)


def check(path, integers):
    count = 0
    with open(path, "rb") as source:
        while True:
            header = source.readline()
            if not header:
                break
            sizes = [int(n) for n in header.split()]
            text = source.read(sizes[0] + 1)[:-1]
            form = source.read(sizes[1] + 1)[:-1]
            try:
                got = canonical(json.loads(text.decode("utf-8"), parse_float=shortest), integers)
            except ValueError as problem:
                got = repr(problem).encode()
            if got != form:
                print("%r\nmeans %r\nto Python it is %r" % (text[:2000], form[:2000], got[:2000]))
                return
            count += 1
    print("ok %d" % count)


def main(arguments):
    integers = "--no-integers" not in arguments
    arguments = [a for a in arguments if not a.startswith("--")]
    if arguments[0] == "generate":
        generate(int(arguments[1]), int(arguments[2]), arguments[3], integers)
    else:
        check(arguments[1], integers)


main(sys.argv[1:])
