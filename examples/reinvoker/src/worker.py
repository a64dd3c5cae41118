"""Render reports, each once."""

from reports import render

from resilient_lambda import DynamoDBStore, Idempotency, current_attempt, resilient_handler


@resilient_handler(policies=[Idempotency(DynamoDBStore(), key="report_id")])
def handler(job: dict, context: object) -> dict:
    """Render one report; an invocation after a timeout renders it with less detail, to be done in time."""
    # 1 for the first invocation, 2 for the first one of the re-invoker. The job is what was sent, no key more.
    attempt = current_attempt()
    return {"pages": render(job["report_id"], in_full=attempt.invocation == 1)}
