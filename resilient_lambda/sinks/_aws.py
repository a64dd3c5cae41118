"""A sink of AWS: where its letters go, which client takes them, and one answer for each of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from .._core.options import text
from .._named_tuple import NamedTuple
from ..errors import ConfigurationError, SinkError
from . import _seam as seam
from ._letter import dedup_of, note_of
from ._requests import OUT_OF_TIME, Refusal, refusal_of, send_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._io.base import Io
    from ._letter import Letter
    from ._requests import Answer, Entry, Limits


class Draft(NamedTuple):
    """
    A letter with all that a service needs to write it.

    Attributes:
        number: Its place among the letters.
        note: What says why the record is set aside.
        dedup: What is equal for copies of this letter.
        now_s: Wall clock.
        token: Returns 128 fresh random bits as text.
    """

    number: int
    letter: Letter
    note: dict[str, Any]
    dedup: str
    now_s: float
    token: Callable[[], str]


class Service(Protocol):
    """
    A service that takes letters.

    Attributes:
        title: Its name for people.
        name: Its name in ``DeadLetter``.
        client_name: Its name in botocore.
        option: The name of the option that holds the address.
        limits: What one request may hold.
    """

    title: str
    name: str
    client_name: str
    option: str
    limits: Limits

    def check(self, address: str) -> None:
        """
        Check what letters are sent to.

        Raises:
            ConfigurationError: It is no address of this service.
        """
        ...

    def region_of(self, address: str) -> str | None:
        """Return the region that *address* names, None if it names none."""
        ...

    def entry_of(self, draft: Draft, address: str) -> Entry:
        """
        Return a letter as the service takes it.

        Raises:
            LetterTooLargeError: It takes none of this size.
            Exception: The record's shape is odd: it is the event's own data.
        """
        ...

    def send(self, client: Any, address: str, group: Sequence[Entry]) -> dict[int, Answer]:
        """Make one request; return what was answered to each entry. Raises what the client raises."""
        ...


class AwsSink:
    """Sends dead letters to one address of one service."""

    def __init__(
        self, service: Service, address: str | None, env: str | None, *, region: str | None, client: Any
    ) -> None:
        self._call = f"DeadLetter.{service.name}()"
        option = service.option
        if (address is None) == (env is None):
            raise ConfigurationError(f"{self._call} needs either {option}= or env=, the variable that holds it")
        text(option if env is None else "env", address if env is None else env)
        if region is not None:
            text("region", region)
            if client is not None:
                raise ConfigurationError("region belongs to the client: pass either it or client=")
        if address is not None:
            service.check(address)
        self._service = service
        self._given = address
        self._env = env
        self._region = region
        self._client = client

    def __repr__(self) -> str:
        return f"{self._service.name} {self._given or self._env}"

    def check(self, *, is_asynchronous: bool) -> None:
        """Do nothing: AWS fits both colours."""

    def warm(self) -> None:
        """Read the environment and build the client."""
        self._address()
        if seam.redirect is None:
            self._connected()

    def _address(self) -> str:
        if self._given is None:
            assert self._env is not None
            found = os.environ.get(self._env)
            if not found:
                raise ConfigurationError(
                    f"DeadLetter.{self._service.name}(env={self._env!r}): the environment variable is not set; "
                    f"set it to what {self._service.option}= would be"
                )
            self._service.check(found)
            self._given = found
        return self._given

    def _connected(self) -> Any:
        if self._client is None:
            from ..stores._aws_client import shared_client

            region = self._region or self._service.region_of(self._address())
            self._client = shared_client(self._service.client_name, region=region)
        return self._client

    async def send(self, io: Io, letters: Sequence[Letter], *, until_s: float) -> list[Answer]:
        """Send *letters*, those that were not confirmed again while there is time; return one answer each."""
        if seam.redirect is not None:
            name = self._env or str(self._given)
            return [seam.redirect(name, letter.record, letter.error) for letter in letters]
        try:
            address = self._address()
        except ConfigurationError as error:
            return [SinkError(str(error), is_permanent=True)] * len(letters)
        now_s = io.now()
        answers: dict[int, Answer] = {}
        entries: list[Entry] = []
        for number, letter in enumerate(letters):
            try:
                dedup = dedup_of(letter.record, io.token)
                draft = Draft(number, letter, note_of(letter, dedup, now_s), dedup, now_s, io.token)
                entries.append(self._service.entry_of(draft, address))
            except SinkError as error:
                answers[number] = error
            except Exception as error:  # the record is the event's own data, of any shape
                answers[number] = SinkError(f"{type(error).__name__} while the letter was made", is_permanent=True)
        answers |= await send_all(
            io, lambda group: self._request(address, group), entries, self._service.limits, until_s=until_s
        )
        return [answers.get(number) or SinkError(OUT_OF_TIME) for number in range(len(letters))]

    def _request(self, address: str, group: Sequence[Entry]) -> dict[int, Answer] | Refusal:
        try:
            return self._service.send(self._connected(), address, group)
        except ConfigurationError as error:
            return Refusal(SinkError(str(error), is_permanent=True), is_of_one_letter=False)
        except Exception as error:  # botocore's errors have no common root that could be named without importing it
            return refusal_of(self._service.title, error)
