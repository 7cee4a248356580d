from eyespot.edge.latency import KEPT, Latency, percentile


def test_percentiles_of_a_window() -> None:
    latency = Latency()
    assert latency.percentile(0.5) is None
    for delay_ms in range(100, 0, -1):
        latency.note(delay_ms * 1_000_000)
    assert latency.percentile(0.0) == 1.0
    assert latency.percentile(0.5) == 51.0
    assert latency.percentile(0.95) == 96.0
    assert latency.percentile(1.0) == 100.0
    assert latency.values()[0] == 100.0


def test_the_window_is_bounded() -> None:
    latency = Latency()
    for _ in range(KEPT):
        latency.note(9_000_000_000)
    for _ in range(KEPT):
        latency.note(1_000_000)
    assert latency.percentile(1.0) == 1.0
    assert percentile([], 0.5) is None
