"""Every address finds its sensor; addresses that could be abused find none."""

from pathlib import Path

import pytest

from eyespot.hal.sensors.chooser import open_sensor
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind


@pytest.mark.parametrize(
    ("source", "transport", "kind"),
    [
        ("rtsp://user:secret@10.0.0.9/stream", "tcp", "RtspSensor"),
        ("RTSP://user:secret@10.0.0.9/stream", "tcp", "RtspSensor"),
        ("rtsp://user:secret@10.0.0.9/stream", "udp", "LibavSensor"),
        ("https://user:secret@10.0.0.9/live.m3u8", "tcp", "LibavSensor"),
        ("/dev/video3", "tcp", "V4l2Sensor"),
        ("synthetic:?people=1", "tcp", "SyntheticSensor"),
        ("footage/clip.mp4", "tcp", "FileSensor"),
        ("file:///footage/clip.mp4", "tcp", "FileSensor"),
    ],
)
def test_addresses_and_their_sensors(source: str, transport: str, kind: str) -> None:
    settings = SensorSettings.model_validate({"transport": transport})
    sensor = open_sensor(source, settings, SystemClock())
    assert type(sensor).__name__ == kind
    assert "secret" not in sensor.name
    assert "user" not in sensor.name
    assert isinstance(sensor.counters(), dict)


@pytest.mark.parametrize("written", ["ab" * 32, "AB" * 32, ":".join(["Ab"] * 32)])
def test_a_pinned_certificate_is_taken_where_it_is_looked_at(written: str) -> None:
    settings = SensorSettings.model_validate({"fingerprint": written})
    assert settings.fingerprint == "ab" * 32
    assert type(open_sensor("rtsps://10.0.0.9/stream", settings, SystemClock())).__name__ == "RtspSensor"
    for source in ("rtsp://10.0.0.9/stream", "https://10.0.0.9/live.m3u8", "clip.mp4"):
        with pytest.raises(EyespotError, match="rtsps"):
            open_sensor(source, settings, SystemClock())
    over_udp = settings.model_copy(update={"transport": "udp"})
    with pytest.raises(EyespotError, match="tcp"):
        open_sensor("rtsps://10.0.0.9/stream", over_udp, SystemClock())


@pytest.mark.parametrize("written", ["ab", "ab" * 31, "ab" * 33, "zz" * 32, ":" * 64, "ab:" * 32, "ab" * 32 + "\n"])
def test_a_fingerprint_that_is_none_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"64 hexadecimal|at most 95"):
        SensorSettings.model_validate({"fingerprint": written})


@pytest.mark.parametrize("source", ["", "a\x00b", "x" * 5000, "gopher://host/x", "rtmp://host/x", "data://text"])
def test_addresses_that_are_none(source: str) -> None:
    with pytest.raises(EyespotError) as error:
        open_sensor(source, SensorSettings(), SystemClock())
    assert error.value.kind is Kind.INVALID
    assert error.value.todo


@pytest.mark.parametrize("source", ["exec:id", "concat:a|b", "pipe:0", "subfile,,start,0,end,9,,:/etc/passwd"])
async def test_protocols_of_libav_are_only_file_names(source: str, tmp_path: Path) -> None:
    sensor = open_sensor(source, SensorSettings(), SystemClock())
    with pytest.raises(EyespotError, match="There is no"):
        await anext(sensor.units())


def test_settings_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ValueError, match="extra"):
        SensorSettings.model_validate({"tranport": "udp"})
    with pytest.raises(ValueError, match="greater than or equal"):
        SensorSettings(stall_s=0)
