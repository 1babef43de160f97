"""The tests' index in the place of download.pytorch.org, for what has that name built in: ``uv --torch-backend``.

Nothing is resolved or reached outside: a client that takes the index for its HTTPS proxy asks it for a tunnel to that
host, and the tunnel ends in the index itself, with a certificate that was made for the test.
"""

from __future__ import annotations

import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from support.torch_index import TorchIndex

HOST = "download.pytorch.org"


def why_not() -> str | None:
    """Why there can be no certificate here, or None."""
    return None if shutil.which("openssl") else "no openssl to make a test certificate with"


def certificate(folder: Path) -> Path:
    """A file with a key, and the certificate of that key for :data:`HOST`, signed by itself, good for two days."""
    path = folder / f"{HOST}.pem"
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", str(path)]
    command += ["-addext", f"subjectAltName=DNS:{HOST}", "-addext", "basicConstraints=critical,CA:FALSE"]
    made = subprocess.run(command, capture_output=True, check=True, timeout=60)
    with path.open("ab") as file:
        file.write(made.stdout)
    return path


def stand_in(index: TorchIndex, pem: Path) -> dict[str, str]:
    """Make the index answer for the host; returns the variables under which a client asks it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    index.speak_as(f"{HOST}:443", context)
    return {"HTTPS_PROXY": index.url, "SSL_CERT_FILE": str(pem)}
