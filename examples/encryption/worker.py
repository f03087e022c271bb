"""The worker of examples/encryption/start.lua, with the codec that matches its codecs.

usage: .deps/venv/bin/python examples/encryption/worker.py        until Ctrl-C
TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where; the task queue is "payments".
needs: pip install temporalio cryptography
"""

import asyncio
import os
import zlib

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

KEY_ID, KEY = b"test-key-id", b"test-key-test-key-test-key-test!"


class Encryption(PayloadCodec):
    """As in the SDK's encryption sample; and what is inside may be compressed."""

    aes = AESGCM(KEY)

    async def encode(self, payloads):
        return [self.seal(payload) for payload in payloads]

    async def decode(self, payloads):
        return [self.open(payload) for payload in payloads]

    def seal(self, payload):
        nonce = os.urandom(12)
        return Payload(
            metadata={"encoding": b"binary/encrypted", "encryption-key-id": KEY_ID},
            data=nonce + self.aes.encrypt(nonce, payload.SerializeToString(), None),
        )

    def open(self, payload):
        if payload.metadata.get("encoding") == b"binary/encrypted":
            data = self.aes.decrypt(payload.data[:12], payload.data[12:], None)
            payload = Payload.FromString(data)
        if payload.metadata.get("encoding") == b"binary/zlib":
            payload = Payload.FromString(zlib.decompress(payload.data))
        return payload


@workflow.defn
class Pay:
    @workflow.run
    async def run(self, card: dict) -> str:
        if card["amount"] < 0:
            raise ApplicationError(f"cannot pay {card['amount']} with {card['number']}",
                                   non_retryable=True)
        holder = workflow.memo_value("holder", "")
        return f"{holder} paid {card['amount']} with {card['number']}"


async def main() -> None:
    client = await Client.connect(
        os.environ.get("TEMPORAL_ADDRESS") or "localhost:7233",
        namespace=os.environ.get("TEMPORAL_NAMESPACE") or "default",
        data_converter=DataConverter(
            payload_codec=Encryption(),
            failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
        ),
    )
    async with Worker(client, task_queue="payments", workflows=[Pay],
                      workflow_runner=UnsandboxedWorkflowRunner()):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
