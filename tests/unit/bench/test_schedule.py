"""The truth of what was looked at, and people as rows that it can judge."""

from eyespot.bench.schedule import at_looks, people


def test_the_truth_of_the_frames_that_were_looked_at() -> None:
    truth = [[0.0, 1, 5, 6, 7, 8], [3.0, 1, 9, 6, 7, 8], [3.0, 2, 1, 1, 2, 2]]
    assert at_looks(truth, [0.0, 0.2, 0.3], fps=10) == [[0, 1, 5, 6, 7, 8], [2, 1, 9, 6, 7, 8], [2, 2, 1, 1, 2, 2]]


def test_people_alone_are_judged() -> None:
    rows = [[0, 7, "person", 0.5, 0.5, 1.0, 1.0], [0, 8, "car", 0.0, 0.0, 1.0, 1.0]]
    assert people(rows, 100, 50) == [[0, 7, 50.0, 25.0, 50.0, 25.0]]
