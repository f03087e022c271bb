"""What Python's zlib and protobuf say of the zlib codec's payloads.

usage: zlib_peer.py            for each line of standard input, hex of a serialized Payload:
Says the hex of the payload that the codec decodes it to, as the Go SDK's codec would.
With `encode` as the first argument: of the payload that it encodes it to, always.
"""

import asyncio
import sys

from temporalio.api.common.v1 import Payload

from payload_codecs import Zlib

codec = Zlib()
work = codec.encode if sys.argv[1:] == ["encode"] else codec.decode
for line in sys.stdin:
    payload = Payload.FromString(bytes.fromhex(line))
    print(asyncio.run(work([payload]))[0].SerializeToString(deterministic=True).hex())
