"""Pure numpy: heads, boxes, motion gate, tracking, zones, lines, rules, camera health. No asyncio, no input or output.

Does not own silicon, storage or transport. Called by ``edge.pipeline`` and, later, by services.
"""
