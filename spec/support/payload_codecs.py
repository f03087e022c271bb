"""Payload codecs of the Python side: the peers of the codecs under test."""

import zlib

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec


class Wrapping(PayloadCodec):
    """The serialized payload, changed byte by byte, under an encoding of its own."""

    encoding = b""

    def pack(self, data: bytes) -> bytes:
        raise NotImplementedError

    def unpack(self, data: bytes) -> bytes:
        raise NotImplementedError

    async def encode(self, payloads):
        return [Payload(metadata={"encoding": self.encoding},
                        data=self.pack(payload.SerializeToString())) for payload in payloads]

    async def decode(self, payloads):
        return [Payload.FromString(self.unpack(payload.data))
                if payload.metadata.get("encoding") == self.encoding else payload
                for payload in payloads]


class Zlib(Wrapping):
    """As the Go SDK's zlib codec with AlwaysEncode."""

    encoding = b"binary/zlib"

    def pack(self, data):
        return zlib.compress(data)

    def unpack(self, data):
        return zlib.decompress(data)


class Reverse(Wrapping):
    """Backwards."""

    encoding = b"binary/reversed"

    def pack(self, data):
        return data[::-1]

    unpack = pack


CODECS = {"zlib": Zlib, "reverse": Reverse}
