"""A PostgreSQL and a Redis that are reached over TLS only, as managed ones are, with an authority of their own."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

sys.path.insert(0, str(Path(__file__).resolve().parent / "services"))

# Found only now; they are programs of the tests, which run before anything is installed.
import postgresql
import programs
import redis_server

from tests import servers


@dataclass(frozen=True, slots=True)
class Encrypted:
    """Their addresses without what says whom to trust; `authority` is the file that vouches for both, `stranger` one
    that does not."""

    database_url: str
    redis_url: str
    authority: Path
    stranger: Path

    def database(self, authority: Path) -> str:
        return f"{self.database_url}?sslmode=verify-full&sslrootcert={authority}"

    def redis(self, authority: Path) -> str:
        return f"{self.redis_url}?ssl_ca_certs={authority}"


@contextmanager
def encrypted(folder: Path) -> Iterator[Encrypted]:
    authority, stranger = trustme.CA(), trustme.CA()
    files = folder / "authority.pem", folder / "stranger.pem"
    for each, file in zip((authority, stranger), files, strict=True):
        each.cert_pem.write_to_path(file)
    with ExitStack() as stack:
        database_url = _postgresql(stack, authority.issue_cert("127.0.0.1"))
        yield Encrypted(database_url, _redis(stack, authority.issue_cert("127.0.0.1"), folder), *files)


def _postgresql(stack: ExitStack, certificate: trustme.LeafCert) -> str:
    program = programs.find("postgresql")
    assert program is not None, "tests/services gets it"
    place = postgresql.prepare(stack, program, postgresql.SETTINGS | {"ssl": "on"})
    (place.data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    for name, blob in (("server.crt", certificate.cert_chain_pems[0]), ("server.key", certificate.private_key_pem)):
        file = place.data / name
        blob.write_to_path(file)
        # It takes no key that others might read.
        file.chmod(0o600)
        if place.identity:
            os.chown(file, place.identity["user"], place.identity["group"])
    postgresql.launch(stack, place)
    return place.url


def _redis(stack: ExitStack, certificate: trustme.LeafCert, folder: Path) -> str:
    program = programs.find("redis-server")
    assert program is not None, "tests/services gets it"
    pem, port = folder / "redis.pem", servers.free_port()
    certificate.private_key_and_cert_chain_pem.write_to_path(pem)
    lines = ["bind 127.0.0.1", "port 0", f"tls-port {port}", "tls-auth-clients no", 'save ""', f"dir {folder}"]
    lines += [f"tls-{name}-file {pem}" for name in ("cert", "key")] + [f"tls-ca-cert-file {pem}", "requirepass secret"]
    settings = folder / "redis.conf"
    settings.write_text("\n".join(lines) + "\n")
    url = f"rediss://:secret@127.0.0.1:{port}/0"
    redis_server.launch(stack, redis_server.Place(program, settings, port, url))
    return url
