"""Tracks of a clip whose pictures are shown several times, as rows that the source's ground truth can judge."""

from eyespot.bench.pipeline_adaptive import people


def test_people_of_the_frames_that_the_truth_knows() -> None:
    tracks = [
        [0, 7, 0, 0.1, 0.2, 0.3, 0.6],
        [1, 7, 0, 0.1, 0.2, 0.3, 0.6],
        [3, 7, 2, 0.1, 0.2, 0.3, 0.6],
        [6, 8, 0, 0.0, 0.0, 0.5, 0.5],
    ]
    rows = people(tracks, repeats=3, width=100, height=50)
    assert [[round(value, 6) for value in row] for row in rows] == [[0, 7, 10, 10, 20, 20], [2, 8, 0, 0, 50, 25]]
