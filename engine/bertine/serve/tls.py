"""The server's certificate: read at the start, and again when one of its files has changed."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from bertine.config import ServeConfig
from bertine.errors import ConfigError
from bertine.serve.stamp import Stamp, stamp_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files.

    Attributes:
        certificate: of the server, with those of the authorities in between after it.
        key: of the certificate, not encrypted.
        client_ca: authorities of which a client must have a certificate; None asks for none.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def read(self) -> grpc.ServerCertificateConfiguration:
        """Read and check them.

        Raises:
            ConfigError: one cannot be read, is no PEM, or the key is not the certificate's.
        """
        try:
            key, certificate = self.key.read_bytes(), self.certificate.read_bytes()
            authorities = self.client_ca.read_bytes() if self.client_ca else None
            self._check()
        except ssl.SSLError as error:
            reason = error.reason or "they are no PEM, or the key is encrypted"
            raise ConfigError(f"TLS cannot be served with {self}: {reason}") from error
        except OSError as error:
            raise ConfigError(f"{error.filename} cannot be read: {error.strerror}") from error
        return grpc.ssl_server_certificate_configuration([(key, certificate)], authorities)

    def stamps(self) -> list[Stamp | None]:
        """By which changed files are known."""
        return [stamp_of(path) for path in self._paths]

    def _check(self) -> None:
        """By OpenSSL, whose errors say more than gRPC's; without asking for a password."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key, password=lambda: "")
        if self.client_ca:
            context.load_verify_locations(self.client_ca)

    def __str__(self) -> str:
        return " and ".join(str(path) for path in self._paths)

    @property
    def _paths(self) -> list[Path]:
        return [path for path in (self.certificate, self.key, self.client_ca) if path]


class _Renewal:
    """Asked by gRPC at each handshake, in a thread of its own, whether there is something new."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._judged = files.stamps()  # taken or refused

    def __call__(self) -> grpc.ServerCertificateConfiguration | None:
        stamps = self._files.stamps()
        if stamps == self._judged:
            return None
        self._judged = stamps
        try:
            renewed = self._files.read()
        except ConfigError as error:
            _log.error("the certificate before stays: %s", error.message)
            return None
        _log.info("the certificate was read again")
        return renewed


def credentials_of(config: ServeConfig) -> grpc.ServerCredentials | None:
    """What a port is opened with, None without TLS.

    Raises:
        ConfigError: settings that do not go together, or as `TlsFiles.read`.
    """
    certificate, key = config.tls_cert, config.tls_key
    if certificate is None and key is None and config.tls_client_ca is None:
        return None
    if certificate is None or key is None:
        raise ConfigError("TLS needs both --tls-cert and --tls-key")
    if config.transport == "native":
        raise ConfigError("the native transport has no TLS; start with --transport grpc")
    files = TlsFiles(certificate, key, config.tls_client_ca)
    renewal = _Renewal(files)
    return grpc.dynamic_ssl_server_credentials(
        files.read(), renewal, require_client_authentication=files.client_ca is not None
    )
