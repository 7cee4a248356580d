"""What a killed services process has left: control groups, mounted storage, sockets. Cleared before services run.

Processes are not among it: bubblewrap's die with who started them, and what still sits in a control group is ended.
"""

import shutil

from eyespot.edge.layout import StateLayout
from eyespot.edge.services.engines.cgroup import sweep_groups
from eyespot.edge.services.engines.scratch import put_away
from eyespot.edge.services.launching import run_folder


def clear_leftovers(layout: StateLayout) -> None:
    """Call it while no service of this host runs; may take a second."""
    sweep_groups()
    for home in layout.scratch_dir.glob("*"):
        put_away(home)
    for folder in run_folder(layout, "x").parent.glob("*"):
        shutil.rmtree(folder, ignore_errors=True)
