"""A reader's hand: what the browser sends to a widget, and waiting for it to come to rest."""

import contextlib
import io
import threading
import time

from tms_edu.widgets.controls import Dropdown, Switch


def move(widget, **values):
    widget._panel.values = widget.values | values


def press(widget, action):
    widget._pressed(action)


def rest(widget, seconds=60):
    until = time.monotonic() + seconds
    while widget._stage.busy:
        assert time.monotonic() < until, "the widget does not come to rest"
        time.sleep(0.005)


def workers():
    return [thread for thread in threading.enumerate() if "at work" in thread.name]


def ends(control):
    return (
        control.options
        if isinstance(control, (Dropdown, Switch))
        else (control.options[0], control.options[-1])
    )


def run_code(widget):
    names, printed = {}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(widget._stage.code, names)
    return names, printed.getvalue().strip()
