"""Where each attempt of the hostile app is told: by the kernel's filter, or at one of its sockets."""

import ipaddress
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager

from eyespot.contracts.destination import IpAddress
from eyespot.contracts.frames_door import Grant
from eyespot.contracts.view import NamedView
from eyespot.edge.frames.cut import Cut
from eyespot.edge.frames.door import Door
from eyespot.edge.services.egress.proxy import EgressProxy
from eyespot.edge.services.egress.reach import Outside
from eyespot.edge.services.egress.record import Connection
from eyespot.edge.services.engines.contract import Identity, Launch
from eyespot.kernel.clock import SystemClock

LEADS_HERE = "rebind.example"
"""A name that was granted, and has another address of this machine or its network at every look-up."""
NOT_COUNTED = {"call_clone3"}
"""glibc tries it for every thread: it is said not to exist, and its clone is counted."""
_BY_KERNEL = {
    "socket(AF_INET)": "tcp_to_the_internet cloud_metadata service_of_the_host_on_loopback udp_to_a_name_server raw_ip",
    "socket(AF_INET6)": "tcp_over_ipv6", "socket(AF_PACKET)": "raw_frames", "socket(AF_NETLINK)": "netlink",
    "socket(AF_VSOCK)": "vsock_to_the_hypervisor", "socketpair(AF_INET6)": "a_socket_pair_that_is_not_unix",
    "clone(a namespace)": "call_clone",
}  # fmt: skip
NOTHING_THERE = NOT_COUNTED | {
    "a_name_looked_up", "an_abstract_socket_of_the_host", "files_of_the_host_by_name",
    "files_through_the_first_process", "files_through_other_processes", "processes_of_others",
    "files_through_links_in_scratch", "files_through_links_in_the_code", "sockets_of_others_by_path",
    "links_made_hard", "writing_where_it_may_not", "replacing_a_socket", "settings_of_the_kernel",
    "a_better_place_when_memory_ends", "another_mapping_of_users", "open_files_it_was_left",
    "devices_made_by_itself", "devices_of_the_host", "another_user", "groups_of_others",
    "rights_it_should_lack", "programs_that_give_rights", "signals_to_others", "limits_raised",
    "programs_from_its_storage",
}  # fmt: skip
"""They look for what their namespaces do not have, or for a right that they cannot gain: nobody had to refuse that."""


def told_by_kernel(attempts: Collection[str]) -> dict[str, str]:
    """Attempt → the kind of refusal that the kernel's filter must have told."""
    told = {name: kind for kind, names in _BY_KERNEL.items() for name in names.split()}
    calls = (name for name in attempts if name.startswith("call_") and name not in NOT_COUNTED | set(told))
    return told | {name: name.removeprefix("call_") for name in calls}


class Doors:
    """The service's proxy and its frames socket, as the host opens them."""

    def __init__(self, identity: Identity, launch: Launch) -> None:
        grant = Grant(uid=identity.uid, pid_namespace=identity.pid_namespace, socket=launch.run / "net.sock")
        self._answers: Iterator[str] = itertools.cycle(("127.0.0.1", "169.254.169.254", "192.168.1.1"))
        outside = Outside(self._resolve, lambda: set())
        granted = [f"{LEADS_HERE}:80"]
        self._noted: list[Connection] = []
        self.proxy = EgressProxy(launch.name, grant, granted, outside, self._noted.append, SystemClock())
        self.frames = Door(launch.name, grant.model_copy(update={"socket": launch.run / "frames.sock"}), _no_cut)

    def told(self) -> set[str]:
        """The attempts of which the records of both speak, by what the records say."""
        refused = [one for one in self._noted if one.outcome == "refused"]
        hosts = Counter(one.host for one in refused)
        led = [one.address for one in refused if one.host == LEADS_HERE]
        unread = [one.why for one in refused if not one.host]
        proofs = {
            "net_not_granted": {"example.com", "1.1.1.1"} <= set(hosts),
            "net_loopback_of_the_host": {"127.0.0.1", "::1", "localhost"} <= set(hosts),
            "net_loopback_in_other_words": hosts["127.0.0.1"] == 2 and "0.0.0.0" in hosts and len(unread) == 2,
            "net_link_local": {"169.254.169.254", "fe80::1"} <= set(hosts),
            "net_a_granted_name_that_leads_into_the_host": len(set(led)) == 3,
            "frames_a_view_of_another": self.frames.refused == 3,
            "frames_a_view_by_path": self.frames.refused == 3,
            "frames_a_view_made_up": any("does not parse" in why for why in self.frames.status()["refusals"]),
        }
        assert self.proxy.counters.made == 0
        return {name for name, proved in proofs.items() if proved}

    async def _resolve(self, name: str) -> list[IpAddress]:
        return [ipaddress.ip_address(next(self._answers))]


@asynccontextmanager
async def open_doors(identity: Identity, launch: Launch) -> AsyncIterator[Doors]:
    """Both are open while this is entered."""
    doors = Doors(identity, launch)
    await doors.proxy.open()
    doors.frames.open()
    try:
        yield doors
    finally:
        await doors.proxy.close()
        doors.frames.close()


def _no_cut(_: str, named: NamedView) -> Cut:
    raise AssertionError(f"no view was granted, and {named.name} is cut")
