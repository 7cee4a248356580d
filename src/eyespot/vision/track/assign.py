"""Assignment of tracks to detections: the pairs with the largest total gain, for few candidates per row.

Owns the combinatorics alone. Gated tracking problems fall apart into tiny connected groups, most of them one track
and one detection; only groups with a real choice are solved, by shortest augmenting paths (Jonker and Volgenant 1987)
in plain Python, which beats vectorised code at this size.
"""

import numpy as np
from numpy.typing import NDArray

_BIG = 1e9


def assign(gain: NDArray[np.float64]) -> tuple[list[int], list[int]]:
    """Pairs (rows, columns) that maximise the summed ``gain``; entries of 0 or less are never paired.

    Args:
        gain: ``(R, C)`` float, larger is better, 0 or negative means impossible.
    """
    if gain.size == 0:
        return [], []
    favourites = gain.argmax(axis=1).tolist()
    wanted = [row for row, most in enumerate(np.maximum.reduce(gain, axis=1).tolist()) if most > 0.0]
    chosen = [favourites[row] for row in wanted]
    if len(set(chosen)) == len(chosen):  # every row can have what it wants most: nothing is better
        return wanted, chosen
    rows, cols = (gain > 0).nonzero()
    return _assign_pairs(rows.tolist(), cols.tolist(), gain[rows, cols].tolist())


def _assign_pairs(rows: list[int], cols: list[int], gains: list[float]) -> tuple[list[int], list[int]]:
    by_row: dict[int, dict[int, float]] = {}
    by_col: dict[int, list[int]] = {}
    for r, c, g in zip(rows, cols, gains, strict=True):
        by_row.setdefault(r, {})[c] = g
        by_col.setdefault(c, []).append(r)
    out_rows: list[int] = []
    out_cols: list[int] = []
    done: set[int] = set()
    for r, edges in by_row.items():
        if r in done:
            continue
        if all(len(by_col[c]) == 1 for c in edges):  # nobody else wants any of them
            out_rows.append(r)
            out_cols.append(max(edges, key=edges.__getitem__))
            continue
        group = _group(r, by_row, by_col)
        done.update(group)
        for row, col in _solve_group(group, by_row):
            out_rows.append(row)
            out_cols.append(col)
    return out_rows, out_cols


def _group(start: int, by_row: dict[int, dict[int, float]], by_col: dict[int, list[int]]) -> list[int]:
    """Rows connected with ``start`` through shared columns."""
    seen_rows, seen_cols, todo = {start}, set(), [start]
    while todo:
        for c in by_row[todo.pop()]:
            if c not in seen_cols:
                seen_cols.add(c)
                for r in by_col[c]:
                    if r not in seen_rows:
                        seen_rows.add(r)
                        todo.append(r)
    return sorted(seen_rows)


def _solve_group(rows: list[int], by_row: dict[int, dict[int, float]]) -> list[tuple[int, int]]:
    cols = sorted({c for r in rows for c in by_row[r]})
    favourites = [max(by_row[r], key=by_row[r].__getitem__) for r in rows]
    if len(set(favourites)) == len(rows):
        return list(zip(rows, favourites, strict=True))
    if len(cols) == 1:
        best = max(rows, key=lambda r: by_row[r][cols[0]])
        return [(best, cols[0])]
    # Each row may stay alone at cost 0 through a private column, so the dense problem always has an answer.
    costs = [[-by_row[r].get(c, -_BIG) for c in cols] + [0.0 if k == i else _BIG for k in range(len(rows))]
             for i, r in enumerate(rows)]  # fmt: skip
    return [(rows[i], cols[j]) for i, j in enumerate(solve(costs)) if j < len(cols)]


def solve(costs: list[list[float]]) -> list[int]:
    """The column of each row that minimise the summed cost of a dense problem with at least as many columns as rows."""
    n, m = len(costs), len(costs[0])
    potential_row, potential_col = [0.0] * (n + 1), [0.0] * (m + 1)
    row_of = [0] * (m + 1)
    for i in range(1, n + 1):
        row_of[0] = i
        way = _shortest_path(costs, potential_row, potential_col, row_of)
        j = way.pop()
        for before in reversed(way):
            row_of[j] = row_of[before]
            j = before
    answer = [0] * n
    for j in range(1, m + 1):
        if row_of[j]:
            answer[row_of[j] - 1] = j - 1
    return answer


def _shortest_path(costs: list[list[float]], u: list[float], v: list[float], row_of: list[int]) -> list[int]:
    """Columns from the virtual one (0) to a free one along the cheapest alternating path; updates the potentials."""
    m = len(v) - 1
    least, came, used = [_BIG * _BIG] * (m + 1), [0] * (m + 1), [False] * (m + 1)
    j = 0
    while row_of[j]:
        used[j] = True
        i, delta, j_next = row_of[j], _BIG * _BIG, 0
        line, base = costs[i - 1], u[i]
        for k in range(1, m + 1):
            if used[k]:
                continue
            reduced = line[k - 1] - base - v[k]
            if reduced < least[k]:
                least[k], came[k] = reduced, j
            if least[k] < delta:
                delta, j_next = least[k], k
        for k in range(m + 1):
            if used[k]:
                u[row_of[k]] += delta
                v[k] -= delta
            else:
                least[k] -= delta
        j = j_next
    path = [j]
    while j:
        j = came[j]
        path.append(j)
    return path[::-1]
