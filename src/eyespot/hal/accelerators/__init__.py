"""Runtimes that run a model on a piece of silicon, one file each behind one contract.

The only room that may import an inference runtime. Knows tensors, not what they mean.
"""

from eyespot.kernel.config import keep_libraries_quiet

keep_libraries_quiet()
