"""Real servers for tests: PostgreSQL from the system's packages, Milvus from PyPI.

Each lives in a folder of its own and listens on this machine alone.
"""

import gc
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import warnings
from pathlib import Path

POSTGRES_HOMES = "/usr/lib/postgresql"


def postgres_programs() -> Path | None:
    """The folder of initdb and pg_ctl; None where PostgreSQL is not installed."""
    homes = sorted(Path(POSTGRES_HOMES).glob("*/bin/initdb"), key=lambda path: path.parts[-3])
    found = shutil.which("initdb")
    return homes[-1].parent if homes else Path(found).parent if found else None


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class PostgresServer:
    """A PostgreSQL server with the superuser `postgres`, password `secret`."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="lookalike-postgres-"))
        self.port = free_port()
        # initdb refuses root, and pytest's own folders are closed to others
        self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        else:
            self._as = []
        password = self.folder / "password"
        password.write_text("secret")
        password.chmod(0o644)
        self._run(
            "initdb", f"--pgdata={self.folder}/data", "--username=postgres", "--no-sync",
            "--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8",
        )  # fmt: skip
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "off",  # nothing here has to outlive the machine
            "max_connections": 200,
            "shared_buffers": "64MB",
        }
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        log = f"--log={self.folder}/log"
        self._run("pg_ctl", "start", "--wait", "--timeout=60", f"--pgdata={self.folder}/data", log)

    def stop(self) -> None:
        """Stop at once; clients lose their connections."""
        self._run("pg_ctl", "stop", "--mode=fast", "--wait", f"--pgdata={self.folder}/data")

    def close(self) -> None:
        """Stop, and remove everything."""
        subprocess.run(
            [*self._as, self._programs / "pg_ctl", "stop", "--mode=immediate",
             f"--pgdata={self.folder}/data"],
            check=False,
            capture_output=True,
        )  # fmt: skip
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_database(self, *, options: str = "", like: str = "template0") -> str:
        """Make a database, and give its URL."""
        name = f"gallery_{secrets.token_hex(6)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {like} {options}")
        return self.url(name)

    def url(self, database: str, *, user: str = "postgres", password: str = "secret") -> str:
        """The URL of a database."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str, *, database: str = "postgres") -> str:
        """Run one statement as the superuser, and give what psql prints."""
        done = subprocess.run(
            [self._programs / "psql", "-qAtX", "-c", statement, self.url(database)],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def _run(self, program: str, *options: object) -> None:
        done = subprocess.run(
            [*self._as, self._programs / program, *map(str, options)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a pipe would be held open by the server
            stderr=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, f"{program} failed; see {self.folder}"


class MilvusServer:
    """A Milvus server in a folder of its own, from the package `milvus`."""

    def __init__(self) -> None:
        import milvus

        self.folder = Path(tempfile.mkdtemp(prefix="lookalike-milvus-"))
        self._server = milvus.MilvusServer()
        self._server.set_base_dir(str(self.folder))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the package leaves sockets open
            self._server.start()
            gc.collect()

    @property
    def uri(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.listen_port}"

    def start(self) -> None:
        """Start again at the same place, and wait until it answers; the package would move it."""
        programs = self.folder / "bin"
        self._server.server_proc = subprocess.Popen(
            [programs / "milvus", "run", "standalone"],
            cwd=self.folder,
            env={
                **os.environ,
                "DEPLOY_MODE": "STANDALONE",
                "METRICS_PORT": str(self._server.webservice_port),
                "MILVUS_RUN_DIR": str(self.folder / "run"),
                "LD_LIBRARY_PATH": str(programs),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._server.wait_started()

    def stop(self) -> None:
        """Stop; what was acknowledged is kept."""
        self._server.stop()

    def close(self) -> None:
        """Stop, and remove everything."""
        self._server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
