"""Sends something out by every way it has, says what came of each, and holds one connection open."""

import asyncio
import socket
import ssl

from eyespot.kernel.errors import EyespotError
from eyespot.sdk import Service, network

PORT = int("PORT")


class Courier(Service):
    async def on_start(self) -> None:
        print("authorities", len(ssl.create_default_context().get_ca_certs()), flush=True)
        print("http", await asyncio.to_thread(fetch), flush=True)
        for host, port in (("localhost", PORT), ("127.0.0.1", 1), ("169.254.169.254", 80), ("example.org", 443)):
            print("refused", host, port, await attempt(host, port), flush=True)
        try:
            socket.create_connection(("127.0.0.1", PORT), 1)
        except OSError as error:
            print("without the proxy:", error.strerror, flush=True)
        self.reader, self.writer = await network.open_connection("127.0.0.1", PORT)
        self.writer.write(b"HOLD / HTTP/1.1\r\n")
        print("holding", flush=True)


def fetch() -> str:
    with network.opener().open(f"http://127.0.0.1:{PORT}/", timeout=10) as answer:
        return answer.read().decode()


async def attempt(host: str, port: int) -> str:
    try:
        await network.open_connection(host, port)
    except EyespotError as error:
        return error.kind.name
    return "reached"
