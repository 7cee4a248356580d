"""What a camera switches: relays, lamps, IR-cut filters, behind one contract (``contract.Output``).

Owns the wires and their state at rest. Does not decide when to switch. Called by ``edge``.
"""
