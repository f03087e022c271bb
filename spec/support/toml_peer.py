"""The other side of the TOML comparison: Python's tomllib.

usage: toml_peer.py FILE     checks frames that Lua wrote: "<bytes of document> <bytes of answer>\n",
then the document and the answer, then "\n". The answer spells what Lua read: t f, i<digits>;,
d<float>;, s<hex>; a string, D<hex>; a date or time as written, [...], {<hex>=value...}, or
!message where Lua refused the document. The last line printed is "ok N", or says what differs.
"""

import math
import re
import sys
import tomllib

# Where the standard leaves room, or tomllib differs from it. (A byte order mark is cut off for it.)
LEAP_SECOND = re.compile(rb":60")       # Python has no such time
YEAR_ZERO = re.compile(rb"0000-")       # nor such a year
TOO_LARGE = "outside of 64 bits"        # Python's integers have no end
TOO_DEEP = "in one another"


class Date(str):
    pass


def read(answer, at=0):
    kind = answer[at]
    if kind in "tf":
        return kind == "t", at + 1
    if kind in "idsD":
        stop = answer.index(";", at)
        text = answer[at + 1:stop]
        if kind == "i":
            return int(text), stop + 1
        if kind == "d":
            return float(text), stop + 1
        text = bytes.fromhex(text).decode("utf-8")
        return (Date(text) if kind == "D" else text), stop + 1
    at += 1
    if kind == "[":
        items = []
        while answer[at] != "]":
            item, at = read(answer, at)
            items.append(item)
        return items, at + 1
    table = {}
    while answer[at] != "}":
        stop = answer.index("=", at)
        name = bytes.fromhex(answer[at:stop]).decode("utf-8")
        table[name], at = read(answer, stop + 1)
    return table, at + 1


def same(lua, python):
    if isinstance(lua, Date):
        return tomllib.loads("x = " + lua)["x"] == python
    if type(lua) is not type(python):
        return False
    if isinstance(lua, dict):
        return lua.keys() == python.keys() and all(same(lua[k], python[k]) for k in lua)
    if isinstance(lua, list):
        return len(lua) == len(python) and all(map(same, lua, python))
    if isinstance(lua, float):
        if math.isnan(lua) or math.isnan(python):
            return math.isnan(lua) and math.isnan(python)
        return lua == python and math.copysign(1, lua) == math.copysign(1, python)
    return lua == python


def difference(document, answer):
    try:
        expected = tomllib.loads(document.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        if answer.startswith("!") or LEAP_SECOND.search(document) or YEAR_ZERO.search(document):
            return None
        return "tomllib refuses it: %s" % error
    if answer.startswith("!"):
        if TOO_LARGE in answer or TOO_DEEP in answer:
            return None
        return "tomllib reads %r" % (expected,)
    if not same(read(answer)[0], expected):
        return "tomllib reads %r" % (expected,)
    return None


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    at = count = accepted = 0
    while at < len(data):
        newline = data.index(b"\n", at)
        sizes = [int(word) for word in data[at:newline].split()]
        middle = newline + 1 + sizes[0]
        document, answer = data[newline + 1:middle], data[middle:middle + sizes[1]].decode("utf-8")
        at = middle + sizes[1] + 1
        found = difference(document, answer)
        if found:
            print("%r: Lua says %s; %s" % (document, answer[:200], found))
            return
        count += 1
        accepted += not answer.startswith("!")
    print("ok %d %d" % (count, accepted))


main()
