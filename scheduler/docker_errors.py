"""What the docker SDK raises, as errors of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from core.errors import Away, Unavailable
from scheduler.runtime import AddressTaken, ContainerOrder, StartFailed


@contextmanager
def mapped() -> Iterator[None]:
    """Turn whatever the SDK and its transport raise into errors of ours."""
    try:
        yield
    except APIError as error:
        raise Unavailable(f"The Docker engine refused: {error.explanation or error}") from error
    except (DockerException, RequestException, OSError) as error:
        hint = "Start it (`systemctl start docker`), then see `portside-server doctor`."
        raise Away("The Docker engine does not answer.", hint) from error


def start_error(order: ContainerOrder, error: APIError) -> Exception:
    """Why the engine could not create or start the container."""
    reason = str(error.explanation or error)
    if "ddress already in use" in reason:
        return AddressTaken(f"{order.address} is taken by a container that is not Portside's")
    if "no such file or directory" in reason or "executable file not found" in reason:
        message = f"{order.process} could not start: its command is not in the image ({reason})."
        return StartFailed(message, "Check the Procfile, or the Dockerfile's CMD and ENTRYPOINT.")
    return StartFailed(f"{order.process} could not start: {reason}")
