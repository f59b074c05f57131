"""A repository as clients may see it, and reading from it: git's upload-pack by dulwich."""

from __future__ import annotations

from dulwich.objects import ObjectID
from dulwich.protocol import CAPABILITY_FILTER, capability_agent
from dulwich.refs import Ref
from dulwich.repo import Repo
from dulwich.server import Backend, BackendRepo, UploadPackHandler

from gitreceiver.commands import OWN_REFS


class PublicRepo(Repo):
    """A repository without Portside's own refs."""

    def get_refs(self) -> dict[Ref, ObjectID]:
        return {ref: sha for ref, sha in super().get_refs().items() if not ref.startswith(OWN_REFS.encode())}


class OneRepo(Backend):
    """What dulwich's handlers ask for their repository: always this one."""

    def __init__(self, repo: PublicRepo) -> None:
        self._repo = repo

    def open_repository(self, path: str) -> BackendRepo:
        return self._repo


class FetchHandler(UploadPackHandler):
    """A clone or a fetch. Partial clones are not offered: they fetch single objects later, which this can't serve."""

    def capabilities(self) -> list[bytes]:
        return [*(name for name in super().capabilities() if name != CAPABILITY_FILTER), capability_agent()]
