"""Entry of the services process: ``python -m eyespot.edge.services --config FILE --state DIR``."""

import sys

from eyespot.edge.process import run_process
from eyespot.edge.services.process import work

if __name__ == "__main__":
    sys.exit(run_process("services", work))
