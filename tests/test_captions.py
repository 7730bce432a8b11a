import io

import matplotlib.pyplot as plt
import pytest
import torch

from tms_edu import plots
from tms_edu.captions import caption


def test_a_caption_is_the_alternative_text_and_ends_the_figure(monkeypatch):
    shown = caption(plots.plot_gram(torch.eye(2)), "Two features, no interference.")
    displayed = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, **keywords: displayed.append((data, keywords))
    )
    shown._ipython_display_()
    (picture, keywords), (words, _) = displayed
    assert keywords["metadata"]["image/png"]["alt"] == picture["text/plain"] == repr(shown)
    assert words["text/html"] == "<p>Two features, no interference.</p>"
    assert plt.imread(io.BytesIO(shown.png)).shape[0] > 100
    assert plt.get_fignums() == []
    figure, axes = plt.subplots(1, 2)
    for picture in (figure, axes):
        assert caption(picture, "x").png[:4] == b"\x89PNG"


@pytest.mark.plain
def test_a_caption_needs_a_sentence():
    with pytest.raises(ValueError, match="needs a sentence"):
        caption(plots.plot_gram(torch.eye(2)), " ")
