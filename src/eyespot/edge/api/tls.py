"""The host's own certificate: made at the first start, for the names and addresses the host has then.

ECDSA on P-256 (FIPS 186-5), self-signed, so a browser asks once whether to trust it; its fingerprint is printed at
start for comparison.
"""

import ipaddress
import os
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, invalid

_YEARS = 3
_RENEW_DAYS = 30


def own_certificate(folder: Path, names: Sequence[str], now_wall_ns: int) -> tuple[Path, Path]:
    """Paths of certificate and key (both 0600 below ``folder``), made anew when missing, broken, nearly expired, or
    lacking one of ``names`` (host names and IP addresses).
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificate, key = folder / "cert.pem", folder / "key.pem"
    now = datetime.fromtimestamp(now_wall_ns / NS_PER_S, UTC)
    if not _still_good(certificate, key, names, now):
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _write(key, pem)
        _write(certificate, _sign(private, names, now).public_bytes(serialization.Encoding.PEM))
    return certificate, key


def fingerprint(certificate: Path) -> str:
    """SHA-256 of the certificate as browsers show it: hex pairs with colons."""
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    return loaded.fingerprint(hashes.SHA256()).hex(":").upper()


def check_pair(certificate: Path, key: Path) -> None:
    """Raise ``INVALID`` when the two files cannot serve TLS together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise invalid(
            f"{certificate.name} and {key.name} cannot be used for TLS: {error}.",
            'Name a PEM certificate chain and its key under [web], or set tls = "auto".',
        ) from error


def _still_good(certificate: Path, key: Path, names: Sequence[str], now: datetime) -> bool:
    try:
        check_pair(certificate, key)
        loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
        alternative = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (EyespotError, OSError, ValueError, x509.ExtensionNotFound):
        return False
    known = {str(item.value) for item in alternative}
    return set(names) <= known and loaded.not_valid_after_utc - now > timedelta(days=_RENEW_DAYS)


def _sign(private: ec.EllipticCurvePrivateKey, names: Sequence[str], now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Eyespot camera host")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.SubjectAlternativeName([_general_name(item) for item in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )


def _general_name(item: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(item))
    except ValueError:
        return x509.DNSName(item)


def _write(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
