"""Installed services as the API reads and changes them; the services process looks at the store and makes it so.

Owns no service: it writes what the owner wants to the store, and reads there, in status reports and on the bus how they
are. Everything that blocks is done in threads.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

from eyespot.contracts.service import Manifest
from eyespot.contracts.service_access import MAX_SERVICES
from eyespot.contracts.view import NamedView
from eyespot.edge.api.feeds import Feeds
from eyespot.edge.api.service_shapes import LiveState, MomentAnswer, ServiceAnswer, ServiceBrief, ViewAnswer, WishAnswer
from eyespot.edge.api.service_states import ServiceStates
from eyespot.edge.layout import StateLayout
from eyespot.edge.services.asked import needs_camera, wishes
from eyespot.edge.services.granted import Granted, cameras_of, definite_views, in_words, view_in_words
from eyespot.edge.services.hosting import host_of
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.oci.pin import Pin
from eyespot.edge.services.store import Row, ServiceStore
from eyespot.kernel.errors import EyespotError, not_found

T = TypeVar("T")


class ServicesNow:
    """The services of one state folder. Nothing is made on disk until something is installed."""

    def __init__(self, layout: StateLayout, feeds: Feeds, states: ServiceStates) -> None:
        self.states = states
        self._layout = layout
        self._feeds = feeds
        self._opening = threading.Lock()
        self._installed: Installed | None = None
        self._read: dict[tuple[str, str], tuple[Manifest, Pin | None]] = {}

    def close(self) -> None:
        """Close the store."""
        if self._installed is not None:
            self._installed.store.close()

    async def run(self, work: Callable[[Installed], T]) -> T:
        """What ``work`` makes of the installed services, in a thread; raises what it raises."""
        return await asyncio.to_thread(lambda: work(self._open()))

    async def briefs(self) -> list[ServiceBrief]:
        """All, by name."""
        if not self._layout.services_db.exists():
            return []
        return await self.run(lambda installed: [self._brief(installed, row) for row in installed.store.rows()])

    async def one(self, name: str) -> ServiceAnswer:
        """One; raises ``NOT_FOUND``."""
        return await self.of(name, lambda installed: self._answer(installed, installed.store.get(name)))

    async def of(self, name: str, work: Callable[[Installed], T]) -> T:
        """``run`` for a service that must be there; raises ``NOT_FOUND``."""
        if not self._layout.services_db.exists():
            raise not_found(f"No service '{name[:64]}' is installed.", "List the services.")
        return await self.run(work)

    async def view(self, name: str, view: str) -> NamedView:
        """A granted view of a service; raises ``NOT_FOUND``."""
        views = await self.of(name, lambda installed: self._views(installed, installed.store.get(name)))
        for found in views:
            if found.name == view:
                return found
        raise not_found(f"No view '{view[:64]}' is granted to {name[:64]}.", "Its page lists them.")

    def manifest(self, installed: Installed, row: Row) -> Manifest:
        """The manifest of an installed version, read once; raises ``CORRUPT`` when its folder is gone or altered."""
        return self._checked(installed, row)[0]

    def _checked(self, installed: Installed, row: Row) -> tuple[Manifest, Pin | None]:
        """What never changes of an installed version."""
        key = (row.name, row.digest)
        found = self._read.get(key)
        if found is None:
            checked = installed.check(row)
            found = self._read[key] = (checked.manifest, checked.pin)
            if len(self._read) > MAX_SERVICES:
                self._read.pop(next(iter(self._read)), None)
        return found

    def _open(self) -> Installed:
        with self._opening:
            if self._installed is None:
                self._installed = Installed(self._layout, ServiceStore(self._layout.services_db))
            return self._installed

    def _views(self, installed: Installed, row: Row) -> tuple[NamedView, ...]:
        return definite_views(self.manifest(installed, row), row.granted)

    def _health(self, name: str) -> dict[str, Any]:
        """What the services process last said of it."""
        report = self._feeds.reports().get("services")
        if report is None or not self._feeds.is_fresh(report):
            return {}
        found = report.totals.get("services", {}).get(name, {})
        return dict(found) if isinstance(found, dict) else {}

    def _brief(self, installed: Installed, row: Row) -> ServiceBrief:
        states = installed.store.states(row.name)
        last = states[-1] if states else None
        known: dict[str, Any] = {
            "title": row.name,
            "summary": "",
            "vendor": "",
            "host": None,
            "cameras": [],
            "fault": "",
        }
        try:
            manifest = self.manifest(installed, row)
            known = {
                **manifest.service.model_dump(include={"title", "summary", "vendor"}),
                "host": host_of(manifest, row.granted, row.digest),
                "cameras": list(cameras_of(manifest, row.granted)), "fault": "",
            }  # fmt: skip
        except EyespotError as error:
            known["fault"] = str(error)
        return ServiceBrief(
            name=row.name, version=row.version, enabled=row.enabled, state=last.state if last else "installed",
            why=last.why if last else "", **known,
        )  # fmt: skip

    def _answer(self, installed: Installed, row: Row) -> ServiceAnswer:
        brief = self._brief(installed, row)
        live = self.states.latest(row.name)
        about: dict[str, Any] = {"see": [], "use": [], "send": [], "views": [], "policy": [], "controls": []}
        about |= {"config_schema": {}, "state_schema": {}, "wishes": [], "needs_camera": False, "image": None}
        if not brief.fault:
            manifest, pin = self._checked(installed, row)
            about = {
                **in_words(manifest, row.granted), "policy": manifest.permissions.policy,
                "views": [view_answer(view) for view in definite_views(manifest, row.granted)],
                "wishes": wish_answers(manifest, row.granted.camera, row.granted),
                "needs_camera": needs_camera(manifest), "controls": manifest.control,
                "config_schema": manifest.config, "state_schema": manifest.state,
                "image": pin.manifest if pin else None,
            }  # fmt: skip
        return ServiceAnswer(
            **brief.model_dump(), **about, granted=row.granted, way_back=row.way_back[0] if row.way_back else None,
            states=[MomentAnswer(**asdict(moment)) for moment in installed.store.states(row.name)],
            health=self._health(row.name),
            live=LiveState(wall_ns=live.wall_ns, values=live.values) if live else None,
        )  # fmt: skip


def view_answer(view: NamedView) -> ViewAnswer:
    """A view of a definite camera as the API tells it."""
    return ViewAnswer(
        name=view.name, camera=view.camera, form=view.form, has_pixels=view.has_pixels, words=view_in_words(view)
    )


def wish_answers(manifest: Manifest, camera: str, granted: Granted) -> list[WishAnswer]:
    """What a service asks for, and what of it is ``granted``."""
    return [
        WishAnswer(
            key=one.key, value=one.value, part=one.part, words=one.words, granted=one.value in getattr(granted, one.key)
        )
        for one in wishes(manifest, camera)
    ]
