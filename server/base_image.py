"""The base images that language images stand on: one a stack, from Docker Hub when it is in reach, else from Debian's
own packages. A certificate authority that this machine trusts beyond Debian's is trusted in it too."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from core import process
from server import machine
from server.progress import Progress

REPOSITORY = "portside/base"
HUB = "https://registry-1.docker.io/v2/"
PROBE_S = 3.0
BUILD_S = 900.0
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
EXTRA_AUTHORITIES = Path("/usr/local/share/ca-certificates")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Base:
    """A stack's base image. `frozen_mirror`: take package indexes that have expired, as a mirror of one day has."""

    stack: str = "debian-13"
    suite: str = "trixie"
    frozen_mirror: bool = False

    @property
    def image(self) -> str:
        return f"{REPOSITORY}:{self.stack}"

    @property
    def hub_image(self) -> str:
        return f"debian:{self.suite}-slim"


DEFAULT = Base()


def ensure_base_image(environ: Mapping[str, str], progress: Progress, base: Base = DEFAULT) -> None:
    """Return at once when the engine has the image; else make it."""
    docker = docker_argv()
    if process.run([*docker, "image", "inspect", base.image], env=environ, check=False).code == 0:
        return
    if hub_in_reach():
        with progress.step(f"Making {base.image} from {base.hub_image}"):
            _from_hub(docker, environ, base)
    else:
        machine.install_missing((*machine.FOR_BASE_IMAGE, *_keyring_program()), progress)
        with progress.step(f"Making {base.image} from Debian's packages (Docker Hub is out of reach)"):
            _from_packages(docker, environ, base)


def docker_argv() -> list[str]:
    """The `docker` client: Debian's own if there is one, for another on the PATH may come without BuildKit."""
    own = Path("/usr/bin/docker")
    return [str(own) if own.exists() else shutil.which("docker") or "docker"]


def hub_in_reach() -> bool:
    """Whether Docker Hub answers at all: it asks everyone for a token first, so a 401 is an answer."""
    try:
        return httpx.get(HUB, timeout=PROBE_S).status_code in (200, 401)
    except httpx.HTTPError:
        return False


def _keyring_program() -> tuple[machine.Program, ...]:
    """Ubuntu has no Debian keys unless they are asked for."""
    return () if KEYRING.exists() else (machine.Program("debian-archive-keyring", "debian-archive-keyring"),)


def extra_authorities() -> list[Path]:
    """The certificates that somebody added to this machine by hand, as update-ca-certificates(8) knows them."""
    return sorted(EXTRA_AUTHORITIES.glob("**/*.crt"))


def dockerfile(base: Base) -> str:
    """From Docker Hub's image to ours: with certificates, which `-slim` leaves out."""
    return f"""FROM {base.hub_image}
COPY . /usr/local/share/ca-certificates/
RUN apt-get update -q && apt-get install -q -y --no-install-recommends ca-certificates \\
 && update-ca-certificates && rm -rf /var/lib/apt/lists/*
"""


def _from_hub(docker: list[str], environ: Mapping[str, str], base: Base) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for certificate in extra_authorities():
            shutil.copy(certificate, folder)
        argv = [*docker, "build", "--pull", "--tag", base.image, "--file", "-", folder]
        process.run(argv, stdin=dockerfile(base).encode(), env={**environ, "DOCKER_BUILDKIT": "1"}, timeout_s=BUILD_S)


def mmdebstrap_argv(tar: Path, base: Base) -> list[str]:
    """The command that makes a minimal Debian in a tar file."""
    hooks = [f"--customize-hook=copy-in {path} /usr/local/share/ca-certificates" for path in extra_authorities()]
    update = ["--customize-hook=chroot $1 update-ca-certificates"] if hooks else []
    keys = [f"--keyring={KEYRING}"] if KEYRING.exists() else []
    return [
        "mmdebstrap",
        "--variant=minbase",
        "--include=ca-certificates",
        *keys,
        *(["--aptopt=Acquire::Check-Valid-Until false"] if base.frozen_mirror else []),
        *hooks,
        *update,
        base.suite,
        str(tar),  # from mmdebstrap's own default mirrors, which are Debian's
    ]


def _from_packages(docker: list[str], environ: Mapping[str, str], base: Base) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        tar = Path(folder) / "base.tar"
        process.run(mmdebstrap_argv(tar, base), env={"PATH": machine.search_path()}, timeout_s=BUILD_S)
        changes = [f"--change=ENV PATH={PATH}", '--change=CMD ["/bin/sh"]']
        process.run([*docker, "import", *changes, str(tar), base.image], env=environ, timeout_s=BUILD_S)
