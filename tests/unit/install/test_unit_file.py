"""The systemd unit keeps its sandbox: each key that a change could quietly lose."""

import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
UNITS = ROOT / "packaging" / "systemd"
HARDENING = {
    "NoNewPrivileges": ["yes"],
    "CapabilityBoundingSet": [""],
    "AmbientCapabilities": [""],
    "ProtectSystem": ["strict"],
    "ProtectHome": ["yes"],
    "ReadWritePaths": ["/etc/eyespot"],
    "PrivateTmp": ["yes"],
    "PrivateMounts": ["yes"],
    "PrivateDevices": ["yes"],
    "DevicePolicy": ["closed"],
    "PrivateUsers": ["yes"],
    "ProtectKernelTunables": ["yes"],
    "ProtectKernelModules": ["yes"],
    "ProtectKernelLogs": ["yes"],
    "ProtectControlGroups": ["yes"],
    "ProtectClock": ["yes"],
    "ProtectHostname": ["yes"],
    "ProtectProc": ["invisible"],
    "RestrictNamespaces": ["yes"],
    "RestrictRealtime": ["yes"],
    "RestrictSUIDSGID": ["yes"],
    "LockPersonality": ["yes"],
    "RemoveIPC": ["yes"],
    "KeyringMode": ["private"],
    "SystemCallArchitectures": ["native"],
    "SystemCallFilter": ["@system-service", "~@privileged @resources"],
    "RestrictAddressFamilies": ["AF_UNIX AF_INET AF_INET6"],
    "UMask": ["0077"],
    "User": ["eyespot"],
    "StateDirectory": ["eyespot"],
    "StateDirectoryMode": ["0750"],
    "Restart": ["on-failure"],
}


def service_keys(path: Path) -> dict[str, list[str]]:
    """Keys of the ``[Service]`` section, every value in order."""
    found: dict[str, list[str]] = defaultdict(list)
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[key].append(value)
    return found


@pytest.mark.parametrize("key", HARDENING)
def test_the_sandbox_stays(key: str) -> None:
    assert service_keys(UNITS / "eyespot.service").get(key) == HARDENING[key]


def test_no_device_is_granted_by_default() -> None:
    assert "DeviceAllow" not in service_keys(UNITS / "eyespot.service")


@pytest.mark.parametrize("name", ["local-camera", "accelerator"])
def test_a_drop_in_grants_devices_by_class_and_nothing_else(name: str) -> None:
    keys = service_keys(UNITS / f"{name}.conf")
    assert set(keys) == {"PrivateDevices", "DeviceAllow", "SupplementaryGroups"}
    assert keys["PrivateDevices"] == ["no"]
    assert all(value.startswith("char-") and value.endswith(" rw") for value in keys["DeviceAllow"])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_counts_little_exposure(tmp_path: Path) -> None:
    unit = tmp_path / "eyespot.service"
    unit.write_text((UNITS / "eyespot.service").read_text(encoding="utf-8"), encoding="utf-8")
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "exposure" not in done.stdout:
        pytest.skip(f"this systemd cannot look at a file: {done.stderr.strip()[:200]}")
    assert done.returncode == 0, done.stdout[-500:]
