"""How an installed service is started: its command, its folders, its budget, the user it is, what it is told."""

import math
import shutil
import zlib
from pathlib import Path
from typing import Any

from eyespot.contracts.service_start import START_FILE, ServiceStart
from eyespot.contracts.settings_schema import check_settings
from eyespot.contracts.zones import ZonesMessage
from eyespot.edge.layout import StateLayout
from eyespot.edge.services.engines.contract import Budget, Launch, UidRange
from eyespot.edge.services.granted import cameras_of
from eyespot.edge.services.hosting import entry_of, host_of
from eyespot.edge.services.installed import Checked
from eyespot.edge.services.oci.pin import image_of
from eyespot.edge.services.sealed_settings import open_settings
from eyespot.edge.services.secret_key import SecretKey
from eyespot.edge.services.time_zone import posix_time_zone

FIRST_UID, UIDS_EACH, RANGES = 1_000_000, 65_536, 16_384
"""Users of services: a range for each name, far from the host's own and from /etc/subuid's usual ones."""


def uids_of(name: str) -> UidRange:
    """The users of one service, the same at every start; two names share theirs once in 16384."""
    return UidRange(FIRST_UID + zlib.crc32(name.encode()) % RANGES * UIDS_EACH)


def settings_of(layout: StateLayout, checked: Checked) -> dict[str, Any]:
    """The owner's settings with defaults, secrets in plain text, for the service alone.

    Raises ``INVALID`` where they no longer fit the schema, ``UNAVAILABLE`` where a secret cannot be read.
    """
    opened = open_settings(checked.row.settings or {}, checked.row.name, SecretKey(layout.services_key))
    return check_settings(checked.manifest.config, opened)


def run_folder(layout: StateLayout, name: str) -> Path:
    """Where the sockets of one service are."""
    return layout.run_dir / "services" / name


def prepare(
    layout: StateLayout,
    checked: Checked,
    instance: str,
    zones: tuple[ZonesMessage, ...] = (),
    most_mb_per_s: float = math.inf,
) -> Launch:
    """Make the folders of one start and say how it is done; raises ``INVALID``, ``OSError``.

    Args:
        zones: of its cameras, where it was granted them.
        most_mb_per_s: 2^20 bytes a second that its owner lets it write to disk.
    """
    manifest, name = checked.manifest, checked.row.name
    run = run_folder(layout, name)
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    run.chmod(0o755)
    told = ServiceStart(
        name=name, version=checked.row.version, instance=instance,
        cameras=cameras_of(manifest, checked.row.granted), settings=settings_of(layout, checked),
        read=checked.row.granted.read, outputs=checked.row.granted.outputs, zones=zones,
    )  # fmt: skip
    (run / START_FILE).write_text(told.model_dump_json(), encoding="utf-8")
    (run / START_FILE).chmod(0o444)
    layout.scratch_dir.mkdir(mode=0o700, exist_ok=True)
    budget = manifest.budget
    return Launch(
        name=name,
        command=manifest.service.command or ("python3", "-m", "eyespot.sdk.run", manifest.service.python),
        code=checked.folder,
        scratch=layout.scratch_dir / name,
        run=run,
        budget=Budget(
            budget.cpu,
            budget.memory_mb,
            budget.disk_mb,
            budget.pids,
            budget.log_kb_per_min,
            min(budget.disk_mb_per_s, most_mb_per_s),
        ),
        uids=uids_of(name),
        env={"TZ": posix_time_zone()},
        image=image_of(checked.pin, layout.service_images_dir) if checked.pin else None,
        entry=entry_of(manifest) if host_of(manifest, checked.row.granted, checked.row.digest) == "inline" else None,
    )
