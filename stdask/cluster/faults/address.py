"""A Dask scheduler that somebody else started: connect to it, or say what is at that address instead."""

import asyncio
import pydoc
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from distributed import Client
from distributed.core import rpc
from distributed.security import Security

from stdask import __version__
from stdask.cluster.faults.starting import noting_troubles, root_of
from stdask.cluster.patience import patiently
from stdask.display.console import say
from stdask.errors import ClusterError

USUAL_PORT = 8786  # of a Dask scheduler
SECONDS_TO_LOOK = 2.0  # for what else listens at an address
SECONDS_TO_ANSWER = 20.0  # of workers and scheduler that are asked for their versions
SECONDS_BETWEEN_PULSES = 2.0
SECONDS_UNTIL_SAID = 10.0  # without a worker or an answer
SECONDS_WITHOUT_WORKERS = 60.0  # if none has ever been there
SECONDS_UNTIL_BACK = 600.0  # for workers that have been there, and for a scheduler that is silent
OF_DASK = b"pickle-protocol"  # a Dask process sends it to whoever connects
CONNECTED_AFTER = 0.8  # share of the time to answer, so that what hinders the connection is known before its end
NAMED = 3  # workers that an error names


def connect(address: str, seconds: float) -> Client:
    """Connect to a scheduler whose environment is that of this process.

    Raises
    ------
    ClusterError
        If no scheduler answers within some seconds, saying what does; or if a worker has no stdask, or another version.
    """
    with noting_troubles():
        _require_scheduler(address, seconds)
        try:
            client = Client(address, timeout=seconds)
        except Exception as exc:  # Dask raises errors of many kinds for versions and settings that do not fit.
            raise ClusterError(
                f"The Dask scheduler at {address} does not accept this program ({_words(exc)}). Start the scheduler, "
                "the workers and stdask from one environment."
            ) from exc
    try:
        require_same_environment(client, None)
    except BaseException:
        client.close(timeout=SECONDS_TO_LOOK)
        raise
    return client


def require_same_environment(client: Client, workers: list[str] | None) -> None:
    """Check that workers have this version of stdask, and the scheduler too if `workers` is None, which means all.

    Raises
    ------
    ClusterError
        If one has none or another one, or does not answer.
    """
    ask: dict[str, Any] = {"callback_timeout": SECONDS_TO_ANSWER}
    with noting_troubles():
        try:
            found = dict(client.run(pydoc.locate, "stdask.__version__", workers=workers, on_error="return", **ask))
            if workers is None:
                found["the scheduler"] = client.run_on_scheduler(pydoc.locate, "stdask.__version__", **ask)
        except Exception as exc:
            raise ClusterError(
                f"The workers at {client.scheduler.address} do not answer ({_words(exc)}). "  # type: ignore[union-attr]
                "Start them again, from the environment of this program."
            ) from exc
    wrong = [f"{where} has {_version(version)}" for where, version in found.items() if version != __version__]
    if wrong:
        more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        raise ClusterError(
            f"A Dask cluster needs stdask {__version__} everywhere, but {', '.join(wrong[:NAMED])}{more}. Start the "
            "scheduler and the workers from the environment of this program."
        )


class Pulse:
    """Whether a scheduler at an address answers and has workers, asked again and again in the background.

    Parameters
    ----------
    client
        Of the scheduler.
    address
        As the user gave it.
    clock
        Returns the time in seconds.
    """

    def __init__(self, client: Client, address: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._address = address
        self._clock = clock
        self._trusted = set(client.scheduler_info(n_workers=-1)["workers"])  # Their versions have been compared.
        self._had_workers = bool(self._trusted)
        self._workers = set(self._trusted)
        self._asked = self._answered = clock()
        self._is_asking = False
        self._silent_since: float | None = None  # The first question that has not been answered.
        self._alone_since = None if self._workers else self._answered  # The first answer without a worker.
        self._said = ""

    def check(self) -> None:
        """Ask, and look at the last answer.

        Time in which nobody asked is no silence: between two tasks the driver may work alone for as long as it takes.

        Raises
        ------
        ClusterError
            If there has been no answer or no worker for too long, or a new worker has another version.
        """
        now = self._clock()
        if not self._is_asking and now - self._asked >= SECONDS_BETWEEN_PULSES:
            self._asked, self._is_asking = now, True
            self._silent_since = now if self._silent_since is None else self._silent_since
            self._client.loop.add_callback(self._ask)  # type: ignore[union-attr]  # A connected client has a loop.
        silent_since, alone_since = self._silent_since, self._alone_since  # An answer may come at any moment.
        silent = 0.0 if silent_since is None else now - silent_since
        alone = 0.0 if alone_since is None else self._answered - alone_since
        if silent > SECONDS_UNTIL_SAID:
            self._wait("silence", silent, SECONDS_UNTIL_BACK, f"The Dask scheduler at {self._address} has not answered")
        elif alone > SECONDS_UNTIL_SAID:
            limit = SECONDS_UNTIL_BACK if self._had_workers else SECONDS_WITHOUT_WORKERS
            self._wait("no worker", alone, limit, f"The Dask scheduler at {self._address} has had no worker")
        else:
            self._said = ""
        if new := self._workers - self._trusted:
            require_same_environment(self._client, sorted(new))
            self._trusted |= new

    def _wait(self, what: str, seconds: float, limit: float, words: str) -> None:
        remedy = "Start the scheduler" if what == "silence" else f"Start workers with `dask worker {self._address}`"
        if seconds > limit:
            raise ClusterError(f"{words} for {seconds:.0f} s. {remedy}, and run the same command again to resume.")
        if self._said != what:
            say(f"  {words} for {seconds:.0f} s; the run ends after {limit:.0f} s. {remedy}.", "yellow")
            self._said = what

    async def _ask(self) -> None:
        try:
            information = await self._client.scheduler.identity(n_workers=-1)  # type: ignore[union-attr]
            self._workers = set(information["workers"])
            self._answered, self._silent_since = self._clock(), None
            if self._workers:
                self._alone_since, self._had_workers = None, True
            elif self._alone_since is None:
                self._alone_since = self._answered
        except Exception:  # Whatever fails is no answer: `check` measures how long none has come, and ends the run.
            pass
        finally:
            self._is_asking = False


def _require_scheduler(address: str, seconds: float) -> None:
    """Raise unless a Dask scheduler answers at an address."""
    try:
        # In a thread with a loop of its own, because a notebook has one in this thread.
        identity = patiently(lambda: asyncio.run(_identity(address, seconds)), lambda: None)
    except Exception as exc:
        late = isinstance(root_of(exc), TimeoutError | asyncio.CancelledError)
        strange = isinstance(root_of(exc), MemoryError | ValueError)  # It has read the answer as a message of Dask.
        why = f"nothing within {seconds:.0f} s" if late else "no answer of Dask's" if strange else _words(exc)
        raise ClusterError(f"No Dask scheduler answers at {address} ({why}). {_what_listens(address)}") from exc
    if identity.get("type") != "Scheduler":
        own = identity.get("scheduler") or identity.get("scheduler_addr")
        remedy = f"Set [cluster] address = {str(own)!r}" if own else "Set [cluster] address to that of the scheduler"
        raise ClusterError(f"A Dask {str(identity.get('type')).lower()} answers at {address}, no scheduler. {remedy}.")


async def _identity(address: str, seconds: float) -> Mapping[str, Any]:
    connection = Security().get_connection_args("client")

    async def ask() -> Mapping[str, Any]:
        async with rpc(address, timeout=CONNECTED_AFTER * seconds, connection_args=connection) as server:
            return await server.identity()

    return await asyncio.wait_for(ask(), seconds)


def _what_listens(address: str) -> str:
    """Return what is at an address in place of a scheduler, and what to do."""
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    start = f"Start a scheduler there, or change [cluster] address, e.g. to tcp://HOST:{USUAL_PORT}."
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        return f"Give tcp://HOST:PORT or tls://HOST:PORT as [cluster] address; the usual port is {USUAL_PORT}."
    try:
        if OF_DASK in _answer(host, port, b""):
            words = (
                "it speaks plain TCP: write tcp://" if parts.scheme == "tls" else "it has another version: use its own"
            )
            return f"A Dask process is there, but {words} in [cluster] address, or start it from this environment."
        if _answer(host, port, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/"):
            return (
                "A web server is there, such as the dashboard of a scheduler. Change [cluster] address to the port of "
                f"the scheduler itself, usually {USUAL_PORT}."
            )
        if _speaks_tls(host, port):
            return (
                f"It speaks TLS: write tls://{host}:{port} in [cluster] address, and name its certificates in "
                "`distributed.comm.tls` of Dask's configuration."
            )
    except OSError as exc:
        return f"Nobody can be reached there: {exc.strerror or exc}. {start}"
    return f"Something else listens there. {start}"


def _answer(host: str, port: int, question: bytes) -> bytes:
    with socket.create_connection((host, port), SECONDS_TO_LOOK) as connection:
        try:
            connection.sendall(question)
            return connection.recv(4096)
        except OSError:  # It says nothing, or does not like the question.
            return b""


def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # Only whether it answers is asked.
    with socket.create_connection((host, port), SECONDS_TO_LOOK) as connection:
        try:
            context.wrap_socket(connection).close()
        except ssl.SSLError as exc:
            return "ALERT" in str(exc).upper()
        except OSError:
            return False
        return True


def _version(found: object) -> str:
    if isinstance(found, BaseException):
        return f"none that can be imported ({_words(found)})"
    return f"stdask {found}" if found else "none"


def _words(error: BaseException) -> str:
    root = root_of(error)
    return " ".join(str(root).split()).rstrip(".")[:200] or type(root).__name__
