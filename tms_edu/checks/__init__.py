"""Checks of exercises and predictions: the notebooks' teacher at your shoulder.

The engine: `forms` says how a check is declared, `exercises` calls the student's code safely, `predictions` asks before a
run and compares after it. Each notebook's own checks and questions are in `nb00`, `nb01`, …, and all their `check_…`
functions are found here.
"""

from importlib import import_module
from pkgutil import iter_modules

from tms_edu.checks.nb00_installation import installation
from tms_edu.checks.predictions import answer, ask, forget, reveal, score

__all__ = ["answer", "ask", "forget", "installation", "reveal", "score"]
for _module in sorted(module.name for module in iter_modules(__path__) if module.name.startswith("nb")):
    _members = vars(import_module(f"{__name__}.{_module}"))
    _checks = {name: member for name, member in _members.items() if name.startswith("check_")}
    globals().update(_checks)
    __all__ += _checks
