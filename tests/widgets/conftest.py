"""Errors of callbacks, which a reader is told in the widget, end a test."""

import pytest

from tms_edu.widgets.base import LivePicture


@pytest.fixture(autouse=True)
def _errors_raised(monkeypatch):
    monkeypatch.setattr(LivePicture, "reraise", True)
