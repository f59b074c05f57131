"""The way in: host names, routes, and the HAProxy that serves them.

TAKES  the backends of an app's generation, its label and its custom domains.
GIVES  HTTP and HTTPS served by host name, with certificates of people's own or asked for; one atomic switch per app;
       what is still in flight on a former generation; a line for each request, and numbers of them.
NEVER  starts, probes or stops an instance; knows what a release is; imports anything of ours but `core`.
"""

from router.acme_settings import AcmeSettings
from router.acme_types import HostCertificate, HostState
from router.control import HaproxyControl, RouterControl
from router.gate_types import AccessRule, Login, TrafficLimits, TrafficTimeouts, Verdict
from router.listener import Listener
from router.maintenance import MaintenanceMode
from router.metrics import BOUNDS_MS, CLASSES, Metrics, Period, Step, Tallies, Tally
from router.proxies import Proxies
from router.request_log import RequestLine, RequestLog
from router.runtime_socket import RouterDown
from router.service import Router
from router.settings import MOST_INSTANCES, RouterSettings
from router.tasks import doors, waker
from router.types import Backend, Domain, DomainKind, Https, Protocol, ProxyMode, StoredCertificate

__all__ = [
    "BOUNDS_MS", "CLASSES", "MOST_INSTANCES", "AccessRule", "AcmeSettings", "Backend", "Domain", "DomainKind",
    "HaproxyControl", "HostCertificate", "HostState", "Https", "Listener", "Login", "MaintenanceMode", "Metrics",
    "Period", "Protocol", "Proxies", "ProxyMode", "RequestLine", "RequestLog", "Router", "RouterControl",
    "RouterDown", "RouterSettings", "Step", "StoredCertificate", "Tallies", "Tally", "TrafficLimits",
    "TrafficTimeouts", "Verdict", "doors", "waker",
]  # fmt: skip
