"""Other people's programs play what we write: libav, and a real Chromium through Media Source Extensions."""

import base64
import io
import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from eyespot.contracts.packet import AudioFormat, Packet, StreamFormat, VideoFormat
from eyespot.kernel.clock import NS_PER_S
from eyespot.media import fmp4
from eyespot.media.remux import write_mp4

FPS = 25
SECONDS = 2
_GLOBAL_HEADER = 1 << 22


def encoded(codec: str, *, bframes: int = 0) -> tuple[VideoFormat, list[Packet]]:
    """Two seconds of moving noise, a key frame each second, as libav puts them into MP4."""
    encoder = {"h264": "libx264", "h265": "libx265"}[codec]
    parameters = f"keyint={FPS}:min-keyint={FPS}:scenecut=0:bframes={bframes}" + ":log-level=none" * (codec == "h265")
    noise = np.random.default_rng(3).integers(0, 255, (96, 128, 3), np.uint8)
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream(encoder, rate=FPS, options={encoder[3:] + "-params": parameters})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for number in range(SECONDS * FPS):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(noise, number, axis=1), "rgb24")))
        out.mux(stream.encode(None))
    with av.open(io.BytesIO(file.getvalue())) as container:
        track = container.streams.video[0]
        made = [packet for packet in container.demux(track) if packet.size]
        rate = track.time_base
        assert rate is not None
        packets = [
            Packet("video", round(p.pts * rate * NS_PER_S), round(p.dts * rate * NS_PER_S), NS_PER_S // FPS,
                   p.is_keyframe, bytes(p))
            for p in made
        ]  # fmt: skip
        extradata = bytes(track.codec_context.extradata or b"")
    return VideoFormat(codec, 128, 96, extradata), packets  # type: ignore[arg-type]


def sound() -> tuple[AudioFormat, list[Packet]]:
    """Two seconds of a tone as AAC."""
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "fltp"
    encoder.time_base = Fraction(1, 48_000)
    encoder.flags |= _GLOBAL_HEADER
    encoder.open()
    made = []
    for start in range(0, SECONDS * 48_000, 1024):
        wave = np.sin(np.arange(start, start + 1024) * 2 * np.pi * 440 / 48_000).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(wave, "fltp", "mono")
        frame.sample_rate, frame.pts = 48_000, start
        made += encoder.encode(frame)
    step = 1024 * NS_PER_S // 48_000
    packets = [Packet("audio", i * step, i * step, step, True, bytes(p)) for i, p in enumerate(made)]
    return AudioFormat("aac", 48_000, 1, bytes(encoder.extradata or b"")), packets


def film(stream: StreamFormat, packets: list[Packet], *, each: int = FPS) -> bytes:
    """The whole as one fMP4, a fragment each ``each`` pictures."""
    base_ns = min(packet.decode_ns for packet in packets)
    builder = fmp4.FragmentBuilder(stream, base_ns)
    parts = [fmp4.init_segment(stream)]
    span_ns = each * NS_PER_S // FPS
    for number in range(SECONDS * FPS // each + 1):
        group = [p for p in packets if number * span_ns <= p.decode_ns - base_ns < (number + 1) * span_ns]
        if group:
            parts.append(builder.build(group, number + 1))
    return b"".join(parts)


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("bframes", [0, 2])
@pytest.mark.parametrize("each", [1, 10, FPS])
def test_libav_decodes_every_picture_at_its_time(codec: str, bframes: int, each: int) -> None:
    video, packets = encoded(codec, bframes=bframes)
    data = film(StreamFormat(video, None, 0), packets, each=each)
    with av.open(io.BytesIO(data)) as container:
        assert container.streams.video[0].codec_context.name == {"h264": "h264", "h265": "hevc"}[codec]
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    assert len(times) == SECONDS * FPS
    assert [round((time - times[0]) * FPS) for time in times] == list(range(SECONDS * FPS))


def test_libav_decodes_sound() -> None:
    video, packets = encoded("h264")
    audio, frames = sound()
    data = film(StreamFormat(video, audio, 0), [*packets, *frames])
    with av.open(io.BytesIO(data)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    spectrum = np.abs(np.fft.rfft(heard[4800 : 4800 + 48_000]))
    assert int(np.argmax(spectrum)) == 440


def test_one_ordinary_file(tmp_path: Path) -> None:
    video, packets = encoded("h264", bframes=2)
    audio, frames = sound()
    mixed = sorted([*packets, *frames], key=lambda packet: packet.decode_ns)
    out = tmp_path / "clip.mp4"
    assert write_mp4(StreamFormat(video, audio, 0), mixed, out) == len(mixed)
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert b"moof" not in data
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) == SECONDS * FPS


PLAY = """async ([data, mime]) => {
  const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
  const video = document.createElement('video'); video.muted = true; document.body.append(video);
  const source = new MediaSource(); video.src = URL.createObjectURL(source);
  await new Promise(done => source.onsourceopen = done);
  const buffer = source.addSourceBuffer(mime);
  const ended = new Promise(done => { video.onended = done; video.onerror = done; });
  for (let at = 0; at < bytes.length && !video.error; at += 20000) {
    buffer.appendBuffer(bytes.slice(at, at + 20000));
    await new Promise(done => buffer.onupdateend = done);
  }
  if (!video.error) { source.endOfStream(); await video.play(); }
  await ended;
  const ranges = [];
  for (let i = 0; i < video.buffered.length; i++) ranges.push([video.buffered.start(i), video.buffered.end(i)]);
  return {error: video.error && video.error.message, ranges, frames: video.getVideoPlaybackQuality().totalVideoFrames};
}"""


@pytest.mark.browser
@pytest.mark.parametrize("with_sound", [False, True])
async def test_chromium_plays_it(with_sound: bool) -> None:
    from playwright.async_api import async_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    video, packets = encoded("h264")
    audio, frames = sound() if with_sound else (None, [])
    stream = StreamFormat(video, audio, 0)
    data = base64.b64encode(film(stream, [*packets, *frames])).decode()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        page = await browser.new_page()
        result = await page.evaluate(PLAY, [data, fmp4.mime_type(stream)])
        await browser.close()
    assert result["error"] is None
    assert len(result["ranges"]) == 1
    assert result["ranges"][0][1] == pytest.approx(SECONDS, abs=0.1)
    assert result["frames"] >= SECONDS * FPS * 0.5
