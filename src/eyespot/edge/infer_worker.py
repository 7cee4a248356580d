"""The inference process's inside: connections on its socket, each with one opened model, served by one accelerator.

Owns the connections and their bounds. A thread a connection waits for requests; what runs, runs in the lanes of the
shared accelerator in the order of the clients' shares. A connection that breaks the protocol or does not read its
answers is closed; nobody else notices.
"""

import logging
import socket
import threading
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from eyespot.edge import infer_wire as wire
from eyespot.edge.infer_models import Models, OpenModel, Wanted
from eyespot.hal.accelerators.contract import TensorSpec
from eyespot.infer.session import Session
from eyespot.infer.share.accelerator import Client, SharedAccelerator
from eyespot.infer.share.fair_queue import Terms
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, Kind

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 64
OPEN_S = 30.0
"""How long a new connection may take to say what it wants."""
MARGIN_BYTES = 1 << 16
"""Room for outputs whose size differs from run to run."""


class Clients:
    """Connections of one client name have one share together."""

    def __init__(self, shared: SharedAccelerator) -> None:
        self._shared = shared
        self._lock = threading.Lock()
        self._users: dict[str, tuple[Client, int]] = {}

    def take(self, name: str, terms: Terms) -> Client:
        """The client called ``name``, joined with ``terms`` if it is the first; raises as ``FairQueue.join``."""
        with self._lock:
            client, users = self._users.get(name) or (self._shared.join(name, terms), 0)
            self._users[name] = (client, users + 1)
            return client

    def find(self, name: str | None) -> Client | None:
        """The client called ``name``, where it is there."""
        with self._lock:
            return self._users[name][0] if name in self._users else None

    def divide(self, shares: Mapping[str, float], held: Collection[str]) -> None:
        """Give clients these shares, making those that are new, and take back ``held`` ones that are not in them.

        Raises as ``FairQueue.change``, and has then changed nothing.
        """
        with self._lock:
            users = {name: self._users[name][1] if name in self._users else 0 for name in {*shares, *held}}
            for name in users:
                users[name] += (name in shares) - (name in held)
            terms = {name: Terms(share) for name, share in shares.items()}
            self._shared.change(
                {name: item for name, item in terms.items() if name in self._users},
                {name: item for name, item in terms.items() if name not in self._users},
                [name for name, count in users.items() if not count],
            )
            for name, count in users.items():
                if count:
                    self._users[name] = (Client(self._shared, name), count)
                else:
                    del self._users[name]

    def give_back(self, client: Client) -> None:
        """One connection less."""
        with self._lock:
            _, users = self._users[client.name]
            if users > 1:
                self._users[client.name] = (client, users - 1)
            else:
                del self._users[client.name]
                client.leave()


class WorkerServer:
    """Listens at ``path`` until closed."""

    def __init__(self, path: Path, models: Models, shared: SharedAccelerator, clock: Clock) -> None:
        self._models = models
        self._shared = shared
        self._clock = clock
        self.clients = Clients(shared)
        self._lock = threading.Lock()
        self._peers: set[socket.socket] = set()
        self._closed = threading.Event()
        self.refused = 0
        self._server = wire.listen(path, MAX_CONNECTIONS)
        self._thread = threading.Thread(target=self._accept, name="infer-accept", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more requests; connections end."""
        self._closed.set()
        _hang_up(self._server)
        with self._lock:
            peers = list(self._peers)
        for peer in peers:
            _hang_up(peer)
        self._thread.join()
        self._server.close()

    def status(self) -> dict[str, Any]:
        """JSON-ready counters."""
        return {"connections": len(self._peers), "refused": self.refused, **self._shared.status()}

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                peer, _ = self._server.accept()
            except OSError:
                if self._closed.is_set():
                    return
                log.warning("a connection to the inference socket could not be taken")
                self._closed.wait(0.1)
                continue
            with self._lock:
                welcome = wire.same_user(peer) and len(self._peers) < MAX_CONNECTIONS and not self._closed.is_set()
                if welcome:
                    self._peers.add(peer)
            if welcome:
                threading.Thread(target=self._serve, args=(peer,), name="infer-peer", daemon=True).start()
            else:
                self.refused += 1
                peer.close()

    def _serve(self, peer: socket.socket) -> None:
        try:
            with peer:
                peer.settimeout(OPEN_S)
                found = wire.receive(peer, {"OpenRequest": wire.OpenRequest, "AccountsRequest": wire.AccountsRequest})
                if found is not None and isinstance(found[0], wire.OpenRequest):
                    self._connection(peer, found[0])
                elif found is not None and isinstance(found[0], wire.AccountsRequest):
                    self._accounts(peer, found[0])
        except (OSError, EyespotError) as error:
            log.info("a connection to the inference socket ended: %s", error)
        finally:
            with self._lock:
                self._peers.discard(peer)

    def _connection(self, peer: socket.socket, request: wire.OpenRequest) -> None:
        wanted = Wanted(request.package, request.variant, request.accelerator, request.threads, request.size_px)
        client: Client | None = None
        model: OpenModel | None = None
        try:
            client = self.clients.take(request.client, Terms(request.share, request.priority))
            model = self._models.take(wanted)
            arena = self._open(peer, client, model)
            peer.settimeout(None)
            while (found := wire.receive(peer, {"RunRequest": wire.RunRequest})) is not None:
                if isinstance(found[0], wire.RunRequest):
                    wire.send(peer, self._answer(client, model, arena, found[0]), wait=False)
        except EyespotError as error:
            wire.send(peer, wire.Refusal.of(error), wait=False)
        finally:
            if model is not None and self._models.give_back(model):
                self._shared.forget(model.shared)
            if client is not None:
                self.clients.give_back(client)

    def _accounts(self, peer: socket.socket, request: wire.AccountsRequest) -> None:
        """Keep accounts as one connection says, until it ends."""
        held: Collection[str] = ()
        peer.settimeout(None)
        try:
            while True:
                try:
                    self.clients.divide(request.shares, held)
                    held = tuple(request.shares)
                    wire.send(peer, wire.AccountsSet(), wait=False)
                except EyespotError as error:
                    wire.send(peer, wire.Refusal.of(error), wait=False)
                found = wire.receive(peer, {"AccountsRequest": wire.AccountsRequest})
                if found is None or not isinstance(found[0], wire.AccountsRequest):
                    return
                request = found[0]
        finally:
            self.clients.divide({}, held)

    def _open(self, peer: socket.socket, client: Client, model: OpenModel) -> "_Memory":
        """Open the model, try it once on a grey picture to know its outputs' sizes, and hand over the memory."""

        def try_once(session: Session) -> tuple[Session, int]:
            outputs = session.run(np.full((*session.input_px, 3), 114, np.uint8), borrow=True)
            return session, sum(wire.aligned(item.nbytes) for item in outputs)

        session, output_bytes = client.submit(model.shared, model.guarded(try_once)).result()
        memory = _Memory(session.input_px, output_bytes)
        choice = session.choice
        answer = wire.Opened(
            input_px=session.input_px,
            variant=choice.variant.name,
            accelerator=choice.accelerator.name,
            reason=choice.reason[:1000],
            platform=f"{choice.accelerator.name}_{choice.variant.file.rpartition('.')[2]}"[:200],
            inputs=tuple(_named(item) for item in session.inputs),
            outputs=tuple(_named(item) for item in session.outputs),
            arena_bytes=len(memory.arena.memory),
            output_offset=memory.output_offset,
        )
        wire.send(peer, answer, descriptor=memory.arena.descriptor, wait=False)
        memory.arena.close_descriptor()
        return memory

    def _answer(self, client: Client, model: OpenModel, memory: "_Memory", request: wire.RunRequest) -> BaseModel:
        def run(session: Session) -> wire.RunAnswer:
            begin_ns = self._clock.monotonic_ns()
            outputs = session.run(memory.picture, borrow=True)
            run_ns = self._clock.monotonic_ns() - begin_ns
            return wire.RunAnswer(outputs=memory.arena.place(outputs, memory.output_offset), run_ns=run_ns)

        payer = self.clients.find(request.client) or client
        try:
            return payer.submit(model.shared, model.guarded(run), deadline_ns=request.deadline_ns).result()
        except EyespotError as error:
            if payer is not client and self.clients.find(payer.name) is None:  # it went while this waited
                return self._answer(client, model, memory, request.model_copy(update={"client": None}))
            return wire.Refusal.of(error)
        except Exception as error:  # a runtime's own: told to the caller, who has no more use for its type
            log.exception("an inference failed")
            return wire.Refusal(kind=Kind.INTERNAL.name, what=f"The inference failed: {type(error).__name__}.")


class _Memory:
    """The memory of one connection: the picture first, the outputs behind it."""

    def __init__(self, input_px: tuple[int, int], output_bytes: int) -> None:
        height_px, width_px = input_px
        self.output_offset = wire.aligned(height_px * width_px * 3)
        self.arena = wire.Arena.make(self.output_offset + output_bytes + MARGIN_BYTES)
        self.picture = self.arena.view(wire.Placed(dtype="uint8", shape=(height_px, width_px, 3), offset=0))


def _named(spec: TensorSpec) -> wire.NamedTensor:
    shape = tuple(-1 if size is None else size for size in spec.shape)
    return wire.NamedTensor(name=spec.name, dtype=spec.dtype, shape=shape)


def _hang_up(peer: socket.socket) -> None:
    try:
        peer.shutdown(socket.SHUT_RDWR)
    except OSError:
        log.debug("the inference socket was closed already")
