"""A camera as people see it: its settings, what the media and vision processes last said, and what is recorded."""

from typing import Any, get_args

from eyespot.edge.api.feeds import Feeds
from eyespot.edge.api.shapes import (
    CameraAnswer,
    CameraState,
    ImagingAnswer,
    RecordingAnswer,
    StreamAnswer,
    VisionAnswer,
)
from eyespot.edge.config import CameraSettings
from eyespot.kernel.log import mask_credentials

_STATES = get_args(CameraState)


def camera_answer(camera: CameraSettings, feeds: Feeds, totals: dict[str, dict[str, int]]) -> CameraAnswer:
    """``totals``: footage per camera, as ``SegmentIndex.totals`` says."""
    media = feeds.camera_report("media", camera.id)
    vision = feeds.camera_report("vision", camera.id)
    kept = totals.get(camera.id, {})
    state = str(media.get("state", "connecting")) if camera.enabled else "off"
    streams = _by_name(media.get("streams"))
    return CameraAnswer(
        id=camera.id,
        name=camera.title,
        enabled=camera.enabled,
        state=state if state in _STATES else "connecting",  # type: ignore[arg-type]
        error=mask_credentials(str(media.get("error") or "")),
        streams=[_stream(item.name, streams.get(item.name, {})) for item in camera.stream],
        live_stream=camera.shown,
        recording=RecordingAnswer(
            mode=camera.record.mode,
            state=_recording_state(camera, media),
            bytes=kept.get("bytes", 0),
            oldest_ns=kept.get("oldest_wall_ns"),
        ),
        vision=VisionAnswer(
            state=str(vision.get("state", "connecting")) if camera.detect.enabled and camera.enabled else "off",
            rate_hz=_number(vision.get("rate_hz")) or 0.0,
            moving=bool(vision.get("moving", False)),
            tracks=int(_number(vision.get("tracks")) or 0),
            latency_ms=_number(vision.get("latency_ms")),
        ),
        labels=list(camera.detect.labels),
        imaging={device: _imaging(said) for device, said in _by_name(media.get("imaging")).items()},
    )


def _recording_state(camera: CameraSettings, media: dict[str, Any]) -> str:
    if camera.record.mode == "off" or not camera.enabled:
        return "off"
    recording = media.get("recording")
    return str(recording.get("state", "waiting")) if isinstance(recording, dict) else "waiting"


def _stream(name: str, said: dict[str, Any]) -> StreamAnswer:
    codec = said.get("codec")
    return StreamAnswer(
        name=name,
        codec=str(codec) if codec else None,
        width_px=_whole(said.get("width_px")),
        height_px=_whole(said.get("height_px")),
        fps=_number(said.get("fps")),
        bitrate_bps=_number(said.get("bitrate_bps")),
    )


def _imaging(said: dict[str, Any]) -> ImagingAnswer:
    made, refused = said.get("set"), said.get("refused")
    return ImagingAnswer(
        set=made if isinstance(made, dict) else {},
        refused={str(name): str(why) for name, why in refused.items()} if isinstance(refused, dict) else {},
    )


def _by_name(streams: Any) -> dict[str, dict[str, Any]]:
    """``streams`` as a mapping by name, whether it was said as a mapping or as a list."""
    if isinstance(streams, dict):
        return {str(name): said for name, said in streams.items() if isinstance(said, dict)}
    if isinstance(streams, list):
        return {str(said.get("name")): said for said in streams if isinstance(said, dict)}
    return {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)
