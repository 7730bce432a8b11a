"""The room stands on its own: its files need neither widgets nor pictures."""

import subprocess
import sys


def test_the_maths_loads_nothing_that_draws():
    script = (
        "import sys, tms_edu.linear.codes, tms_edu.linear.decoders, tms_edu.linear.packing\n"
        "print([name for name in ('matplotlib', 'ipywidgets', 'tms_edu.widgets') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
