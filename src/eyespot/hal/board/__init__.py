"""The board: what this machine is and has. Looks, never changes anything; needs no rights and says where it lacks them.

``read_board`` is quick and enough for figures; ``survey.survey`` looks at everything.
"""

from eyespot.hal.board.cpu import INTERESTING, Board, read_board

__all__ = ["INTERESTING", "Board", "read_board"]
