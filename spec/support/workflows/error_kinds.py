"""Workflows for the kinds of errors that no other one ends with."""

from datetime import timedelta

from temporalio import workflow


@workflow.defn(name="NexusCall")
class NexusCall:
    """Calls an operation of an endpoint, whoever serves it."""

    @workflow.run
    async def run(self, endpoint: str) -> str:
        client = workflow.create_nexus_client(service="Billing", endpoint=endpoint)
        return await client.execute_operation(
            "charge", "42", output_type=str, schedule_to_close_timeout=timedelta(seconds=30))


WORKFLOWS = [NexusCall]
ACTIVITIES = []
