"""The box's own certificate: made at the first start and anew before it runs out.

Run as a process of its own (`python -m courtyard.agent.page.certificate FOLDER NAME`), because the library that makes
it is heavier than the whole page.
"""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import os
import socket
import ssl
import sys
import time
from pathlib import Path
from typing import Final

KEY, CERTIFICATE = "page.key", "page.pem"
DAYS: Final = 825
RENEW_DAYS: Final = 795
MAKE_S: Final = 60.0


class CertificateFailed(Exception):
    """The certificate could not be made; the text says why."""


async def tls_context(folder: Path, name: str) -> ssl.SSLContext:
    """TLS 1.2 or later with the box's own certificate.  Raises CertificateFailed."""
    if not await asyncio.to_thread(_is_good, folder):
        command = (sys.executable, "-m", __spec__.name, str(folder), name)
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        try:
            async with asyncio.timeout(MAKE_S):
                _, said = await process.communicate()
        except TimeoutError as error:
            process.kill()
            raise CertificateFailed(f"not within {MAKE_S:.0f} s") from error
        if process.returncode:
            raise CertificateFailed(said.decode(errors="replace").strip().splitlines()[-1][:300])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(folder / CERTIFICATE, folder / KEY)
    except (OSError, ssl.SSLError) as error:
        (folder / CERTIFICATE).unlink(missing_ok=True)  # the next start makes a new one
        raise CertificateFailed(str(error)) from error
    return context


def _is_good(folder: Path) -> bool:
    try:
        age_s = time.time() - (folder / CERTIFICATE).stat().st_mtime
    except FileNotFoundError:
        return False
    return age_s < RENEW_DAYS * 86_400 and (folder / KEY).is_file()


def make(folder: Path, name: str) -> None:
    """Writes key and certificate.  Raises OSError."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    names = sorted({name, socket.gethostname()[:63] or name, f"{name}.local", "localhost"})
    addresses = [x509.IPAddress(ipaddress.ip_address(each)) for each in ("127.0.0.1", "::1")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))  # boxes without a set clock live a little in the past
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, names), *addresses]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(folder / KEY, private, 0o600)
    _write(folder / CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2])
