"""Payload validation across both libraries: a used key with another payload is refused by either."""

from __future__ import annotations

import pytest
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyValidationError,
)

from resilient_lambda import JMESPath
from resilient_lambda.errors import FingerprintMismatchError

THEIRS = {"payload_validation_jmespath": "[total, currency]"}
OURS = {"fingerprint": ["total", "currency"]}


@pytest.mark.parametrize("ours", [OURS, {"fingerprint": JMESPath("[total, currency]")}], ids=["paths", "JMESPath"])
def test_what_we_did_is_compared_by_powertools(fleet, ours):
    """The same payload is replayed, another one refused."""
    fleet.ours(lambda order: "done", **ours).invoke()
    powertools = fleet.theirs(**THEIRS)

    assert powertools.invoke() == "done"
    with pytest.raises(IdempotencyValidationError):
        powertools.invoke(fleet.order(total=6))
    assert fleet.runs == ["ours"]


def test_what_powertools_did_is_compared_by_us(fleet):
    """The same payload is replayed, another one refused."""
    fleet.theirs(lambda order: "done", **THEIRS).invoke()

    assert fleet.ours(**OURS).invoke() == "done"
    with pytest.raises(FingerprintMismatchError):
        fleet.ours(**OURS).invoke(fleet.order(total=6))
    assert fleet.runs == ["theirs"]


def test_a_whole_payload_can_be_compared(fleet):
    """`@` is Powertools' expression for it, True our option."""
    fleet.theirs(lambda order: "done", payload_validation_jmespath="@").invoke()

    assert fleet.ours(fingerprint=True).invoke() == "done"
    with pytest.raises(FingerprintMismatchError):
        fleet.ours(fingerprint=True).invoke(fleet.order(total=6))


def test_a_claim_of_ours_can_be_compared_too(fleet):
    """Powertools validates before it looks at the status."""
    seen = []

    def work(order):
        for total in (5, 6):
            with pytest.raises((IdempotencyAlreadyInProgressError, IdempotencyValidationError)) as caught:
                fleet.theirs(**THEIRS).invoke(fleet.order(total=total))
            seen.append(caught.type)

    fleet.ours(work, **OURS).deliver()

    assert seen == [IdempotencyAlreadyInProgressError, IdempotencyValidationError]


def test_powertools_refuses_every_duplicate_of_what_we_did_without_a_fingerprint(fleet):
    """So `fingerprint` must be given where Powertools validates: it takes a missing digest for another payload."""
    fleet.ours().invoke()

    with pytest.raises(IdempotencyValidationError):
        fleet.theirs(**THEIRS).invoke()


def test_we_do_not_compare_what_powertools_did_without_validation(fleet):
    """There is nothing to compare with."""
    fleet.theirs(lambda order: "done").invoke()

    assert fleet.ours(**OURS).invoke(fleet.order(total=6)) == "done"
