"""A real HTTP server on loopback that answers with one document, as a client's JWKS host would."""

from __future__ import annotations

import asyncio
import datetime
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class JwksServer:
    """What it answers, and what it was asked."""

    document: Any
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    delay: float = 0.0
    drip: float = 0.0
    body: bytes | None = None
    port: int = 0
    requests: list[str] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks.json"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        await asyncio.sleep(self.delay)
        body = json.dumps(self.document).encode() if self.body is None else self.body
        head = {"Content-Length": str(len(body)), "Connection": "close", **self.headers}
        lines = [f"HTTP/1.1 {self.status} X", *(f"{k}: {v}" for k, v in head.items())]
        try:
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
            for i in range(0, len(body), 20 if self.drip else len(body)):
                writer.write(body[i : i + 20] if self.drip else body)
                await writer.drain()
                await asyncio.sleep(self.drip)
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serve(document: Any, tls: ssl.SSLContext | None = None, **how: Any) -> AsyncIterator[JwksServer]:
    """A running JwksServer; with `tls`, over https, and it notes the names that it is asked by."""
    server = JwksServer(document, **how)
    if tls:
        tls.sni_callback = lambda _socket, name, _context: server.names.append(name)
    listener = await asyncio.start_server(server.answer, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server


def certificate(host: str, folder: Path, days: float = 1) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS for a server called `host`, and for a client that trusts it alone; it expires in so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(public, private)
    return server, ssl.create_default_context(cafile=str(public))
