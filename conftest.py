"""Lets tests and kernels import the package from here, and sets how hard to search."""

import os
import signal

from hypothesis import HealthCheck, settings

from tools.checkout import use_checkout

use_checkout()
# A bar that appears only on a slow machine would change outputs.
os.environ.setdefault("TQDM_DISABLE", "1")
# A shell starts what runs in its background deaf to interrupts, which tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test fails because a machine is busy.
ANY_PACE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", ANY_PACE)
# The same cases on every run: what fails here fails for everybody.
settings.register_profile("ci", ANY_PACE, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
