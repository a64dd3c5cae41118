"""Whether this is Lambda's INIT phase."""

from __future__ import annotations

import os


def is_initialising() -> bool:
    """
    Tell whether this is Lambda's INIT phase, where loading is cheap: full CPU, and outside the first invocation.

    ``RESILIENT_LAMBDA_WARM=0`` says no.
    """
    return "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ and os.environ.get("RESILIENT_LAMBDA_WARM", "1") != "0"
