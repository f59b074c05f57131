"""The way in: host names, routes, and the HAProxy that serves them.

TAKES  the backends of an app's generation, its label and its custom domains.
GIVES  HTTP served by host name; one atomic switch per app; what is still in flight on a former
       generation; a line for each request, and numbers of them.
NEVER  starts, probes or stops an instance; knows what a release is; imports anything of ours but `core`.
"""

from router.control import HaproxyControl, RouterControl
from router.listener import Listener
from router.maintenance import MaintenanceMode
from router.metrics import BOUNDS_MS, CLASSES, Metrics, Period, Step, Tallies, Tally
from router.proxies import Proxies
from router.request_log import RequestLine, RequestLog
from router.runtime_socket import RouterDown
from router.service import Router
from router.settings import RouterSettings
from router.types import Backend, Domain, DomainKind, Https, Protocol, ProxyMode, StoredCertificate

__all__ = [
    "BOUNDS_MS", "CLASSES", "Backend", "Domain", "DomainKind", "HaproxyControl", "Https", "Listener",
    "MaintenanceMode", "Metrics", "Period", "Protocol", "Proxies", "ProxyMode", "RequestLine", "RequestLog", "Router",
    "RouterControl", "RouterDown", "RouterSettings", "Step", "StoredCertificate", "Tallies", "Tally",
]  # fmt: skip
