"""Where `Delay` finds a queue or a role: by what it is, or by the environment variable that says it."""

from __future__ import annotations

import os
import re

from .._core.options import text
from ..errors import ConfigurationError

_FORMS = {
    "url": (re.compile(r"https?://\S+/\S+"), "URL of a queue"),
    "role_arn": (re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+"), "ARN of a role"),
    "dead_letter_arn": (re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_.-]+"), "ARN of a queue"),
}
_WHY_NO_FIFO = {
    "url": "which delays no single message",
    "dead_letter_arn": "to which EventBridge Scheduler cannot send",
}


class Address:
    """
    What an option says, or the environment variable that was named instead.

    Args:
        call: Whose option it is, for messages.
        option: Its name.
        by: The name of the option that names the variable.

    Raises:
        ConfigurationError: Neither is given, or both, or it cannot be an address.
    """

    def __init__(self, call: str, option: str, given: str | None, env: str | None, *, by: str = "env") -> None:
        self._call, self._option, self._by = call, option, by
        if (given is None) == (env is None):
            raise ConfigurationError(f"{call}() needs either {option}= or {by}=, the variable that holds it")
        text(option if env is None else by, given if env is None else env)
        self._given, self._env = given, env
        if given is not None:
            self._check(given)

    def __repr__(self) -> str:
        return str(self._given or self._env)

    def read(self) -> str:
        """
        Return the address.

        Raises:
            ConfigurationError: The variable is not set, or to what cannot be an address.
        """
        if self._given is None:
            assert self._env is not None
            found = os.environ.get(self._env)
            if not found:
                raise ConfigurationError(
                    f"{self._call}({self._by}={self._env!r}): the environment variable is not set; set it to what "
                    f"{self._option}= would be"
                )
            self._check(found)
            self._given = found
        return self._given

    def _check(self, found: str) -> None:
        form, name = _FORMS[self._option]
        if not form.fullmatch(found):
            raise ConfigurationError(f"{self._call}(): {found!r} is no {name}")
        why = _WHY_NO_FIFO.get(self._option)
        if why is not None and found.endswith(".fifo"):
            raise ConfigurationError(f"{self._call}(): {found!r} is a FIFO queue, {why}")
