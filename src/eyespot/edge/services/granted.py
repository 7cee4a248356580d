"""What the owner granted a service: never more than its manifest asks for. Pure."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from eyespot.contracts.destination import parse_destination
from eyespot.contracts.service import Destination, Host, Manifest, PolicyClass, Readable, Slug
from eyespot.contracts.view import ANY_CAMERA, NamedView
from eyespot.edge.services.egress.addresses import whereabouts
from eyespot.kernel.config import Settings
from eyespot.kernel.errors import EyespotError, Kind, invalid

Permission = Literal["views", "models", "read", "emit", "record", "ask", "outputs", "network"]
PERMISSIONS: tuple[Permission, ...] = ("views", "models", "read", "emit", "record", "ask", "outputs", "network")
"""Every list in the owner's word: each is at most what the manifest asks for."""


class Granted(Settings):
    """The owner's word."""

    camera: str = Field(default="", max_length=64)
    """The camera that stands for ``*`` in the manifest; empty: none is assigned."""
    views: tuple[Slug, ...] = Field(default=(), max_length=8)
    """Views it may see, by name."""
    models: tuple[Slug, ...] = Field(default=(), max_length=8)
    """Model packages it may run, at the rate that its manifest says."""
    read: tuple[Readable, ...] = ()
    emit: tuple[Slug, ...] = Field(default=(), max_length=32)
    record: tuple[Slug, ...] = Field(default=(), max_length=32)
    """Kinds of its events that start a recording and keep their footage longer."""
    ask: tuple[Slug, ...] = Field(default=(), max_length=16)
    outputs: tuple[Slug, ...] = Field(default=(), max_length=16)
    network: tuple[Destination, ...] = Field(default=(), max_length=16)
    host: Host | None = None
    """Where it runs; None: where its manifest says that it is made for."""


def everything(manifest: Manifest, camera: str) -> Granted:
    """All that the manifest asks for, with ``camera`` for ``*``."""
    asked = manifest.permissions
    return Granted(
        camera=camera, views=tuple(view.name for view in manifest.view),
        models=tuple(wish.package for wish in manifest.model), read=asked.read, emit=asked.emit,
        record=asked.record, ask=asked.ask, outputs=asked.outputs, network=asked.network,
    )  # fmt: skip


def check_granted(manifest: Manifest, granted: Granted) -> None:
    """Raises ``INVALID`` where ``granted`` goes beyond the manifest."""
    asked = everything(manifest, granted.camera)
    for key in PERMISSIONS:
        more = set(getattr(granted, key)) - set(getattr(asked, key))
        if more:
            raise invalid(f"'{min(more)}' in {key} is not asked for by {manifest.service.name}.", "Leave it out.")


def definite_views(manifest: Manifest, granted: Granted) -> tuple[NamedView, ...]:
    """The granted views, each of a definite camera; those of a camera that nobody assigned are left out."""
    found = []
    for view in manifest.view:
        camera = granted.camera if view.camera == ANY_CAMERA else view.camera
        if view.name in granted.views and camera:
            found.append(NamedView.model_validate({**view.model_dump(exclude_unset=True), "camera": camera}))
    return tuple(found)


def granted_models(manifest: Manifest, granted: Granted) -> dict[str, float]:
    """Model packages that it may run, and how many times a second."""
    return {wish.package: wish.rate_hz for wish in manifest.model if wish.package in granted.models}


def cameras_of(manifest: Manifest, granted: Granted) -> tuple[str, ...]:
    """The cameras it has to do with: the assigned one, and those of its granted views."""
    views = (view.camera for view in definite_views(manifest, granted))
    return tuple(sorted({granted.camera, *views} - {""}))


def check_policy(manifest: Manifest, forbidden: Iterable[PolicyClass]) -> None:
    """Raises ``FORBIDDEN`` when the service is of a class that the owner or the site forbids."""
    found = sorted(set(manifest.permissions.policy) & set(forbidden))
    if found:
        raise EyespotError(
            Kind.FORBIDDEN,
            f"{manifest.service.title} is of the class '{found[0]}', which is forbidden on this camera.",
            "See services.forbid in the settings.",
        )


def in_words(manifest: Manifest, granted: Granted) -> dict[str, list[str]]:
    """What this service can see, use and send, in plain sentences."""
    budget = manifest.budget
    see = [view_in_words(view) for view in definite_views(manifest, granted)]
    cameras = ", ".join(cameras_of(manifest, granted)) or "no camera"
    heard = {"zones": "zones and lines, as they are drawn,"}
    see += [f"The {heard.get(kind, kind)} of {cameras}." for kind in granted.read]
    inside = ["It runs inside of the platform: nothing confines it, and nothing enforces what the next line says."]
    use = [
        *(inside if granted.host == "inline" else ()),
        f"At most {budget.cpu:g} processor cores, {budget.memory_mb} MB of memory, {budget.disk_mb} MB of storage, "
        f"{budget.disk_mb_per_s:g} MB a second written there.",
        *(
            f"The model {package}, at most {_rate(rate_hz)} and {budget.accelerator:.0%} of the accelerator."
            for package, rate_hz in granted_models(manifest, granted).items()
        ),
        *(f"The output {name}: it may switch it." for name in granted.outputs),
        *(
            f"Recordings: its events '{manifest.service.name}.{kind}' start them and keep their footage longer."
            for kind in granted.record
        ),
    ]
    send = [f"Events '{manifest.service.name}.{kind}', which are kept and shown here." for kind in granted.emit]
    send += [f"Requests to the service {name}." for name in granted.ask]
    send += [
        f"Anything it knows to {place}, {whereabouts(parse_destination(place).address)}; each connection is logged."
        for place in granted.network
    ]
    return {
        "see": see or ["Nothing."],
        "use": use,
        "send": send or ["Nothing."],
    }


def view_in_words(view: NamedView) -> str:
    """What is seen through a view of a definite camera."""
    labels = ", ".join(view.labels) or "every kind of object"
    part = "the whole picture" if view.region == (0.0, 0.0, 1.0, 1.0) else "a part of the picture"
    size = f"{view.width_px} × {view.height_px} pixels, {_rate(view.rate_hz)}"
    words = {
        "full": f"{part}, {size}",
        "crops": f"cut-outs of {labels} from {part}, {size}",
        "silhouette": f"boxes filled flat where there is {labels}, nothing else, {size}",
        "boxes": f"where there is {labels}, no picture, {_rate(view.rate_hz)}",
        "metadata": f"how much there is of {labels}, no picture and no place, {_rate(view.rate_hz)}",
    }
    return f"Of camera {view.camera}: {words[view.form]}."


def _rate(rate_hz: float) -> str:
    return "once a second" if rate_hz == 1.0 else f"{rate_hz:g} times a second"
