"""How many pictures at a time a variant runs: as many as figures say that it pays, and one where there are none.

A processor that one picture fills gains nothing from several (docs/adr/0005); silicon with a fixed cost a run does.
"""

from eyespot.infer.package import Latency, Variant

WORTH = 0.9
"""A picture of a batch must cost no more than this part of a picture alone."""


def sizes_that_pay(variant: Variant, accelerator: str, threads: int, size_px: tuple[int, int]) -> tuple[int, ...]:
    """Numbers of pictures in a run that are worth it there, the smallest first; empty: one at a time.

    Args:
        size_px: height and width; figures of another size say nothing about it.
    """

    def fits(row: Latency) -> bool:
        return (row.accelerator, row.threads, row.height_px, row.width_px) == (accelerator, threads, *size_px)

    alone_ms = min((row.ms for row in variant.latency if fits(row)), default=None)
    if alone_ms is None or not variant.batch:
        return ()
    rows = [row for row in variant.batch_latency if fits(row)]
    return tuple(sorted({row.pictures for row in rows if row.ms / row.pictures <= WORTH * alone_ms}))
