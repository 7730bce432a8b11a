import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from tms_edu import gram, plots
from tms_edu.theory import polygon


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_the_gram_picture_holds_the_matrix_and_the_bias_on_one_fixed_scale():
    G, b = gram(1.2 * polygon(5)), torch.linspace(-2, 2, 5)
    ax = plots.plot_gram(G, b)
    matrix, column = ax.images
    assert np.allclose(matrix.get_array(), G) and np.allclose(column.get_array()[:, 0], b)
    assert matrix.get_clim() == column.get_clim() == (-1, 1)
    texts = [text.get_text() for text in ax.texts]
    assert "+1.44" in texts and "−2.00" in texts
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1", "2", "3", "4", "b"]


def test_minus_signs_are_true_ones_in_entries_and_at_ticks():
    axes = [plots.plot_gram(-0.3 * torch.ones(2, 2)), plots.plot_columns(torch.eye(2))]
    for ax in axes:
        ax.figure.canvas.draw()
    labels = [t.get_text() for ax in axes for t in (*ax.texts, *ax.get_xticklabels(), *ax.get_yticklabels())]
    assert any("−" in label for label in labels) and not any("-" in label for label in labels)


def test_blue_is_negative_white_is_zero_and_orange_is_positive():
    low, middle, high = (to_hex(plots.GRAM_CMAP(level)) for level in (0.0, 0.5, 1.0))
    assert (low, high) == (plots.BLUE.lower(), plots.ORANGE.lower())
    assert all(channel > 250 for channel in plots.GRAM_CMAP(0.5, bytes=True)[:3]), middle


def test_a_large_matrix_carries_no_numbers_and_few_ticks():
    ax = plots.plot_gram(torch.eye(20), torch.zeros(20))
    assert not ax.texts
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "5", "10", "15", "b"]


def test_each_column_is_an_arrow_with_its_own_colour_marker_and_number():
    W = torch.tensor([[1.0, 0.0, -0.5], [0.0, 0.0, 0.5]], requires_grad=True)
    ax = plots.plot_columns(W)
    tips = [line for line in ax.lines if len(line.get_xdata()) == 1]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in tips] == [
        (1.0, 0.0),
        (0.0, 0.0),
        (-0.5, 0.5),
    ]
    assert len({line.get_color() for line in tips}) == len({line.get_marker() for line in tips}) == 3
    assert {text.get_text() for text in ax.texts} == {"0", "2", "near zero: 1"}
    assert ax.get_aspect() == 1
    assert ax.get_xlim()[1] >= 1.3 and plots.plot_columns(3 * W).get_xlim()[1] > 3


def test_the_loss_is_drawn_for_every_instance():
    loss = torch.rand(50, 3) + 0.1
    ax = plots.plot_loss(range(50), loss)
    assert ax.get_yscale() == "log" and len(ax.lines) == 6
    assert np.allclose(ax.lines[1].get_ydata(), loss[:, 1])
    assert len(plots.plot_loss(range(3), torch.rand(3)).lines) == 2
    flat = plots.plot_loss(range(100), torch.full((100,), 0.2))
    assert np.allclose(flat.lines[1].get_ydata(), 0.2)


def test_everything_draws_into_the_axes_it_is_given():
    figure, axes = plt.subplots(1, 3)
    for ax, draw in zip(
        axes,
        (
            lambda ax: plots.plot_gram(torch.eye(2), ax=ax),
            lambda ax: plots.plot_columns(torch.eye(2), ax=ax),
            lambda ax: plots.plot_loss([0, 1], torch.ones(2), ax=ax),
        ),
        strict=True,
    ):
        assert draw(ax) is ax
    assert plt.get_fignums() == [figure.number]


@pytest.mark.plain
def test_what_cannot_be_drawn_is_refused():
    for draw, message in [
        (lambda: plots.plot_gram(torch.rand(2, 5)), "Did you pass W"),
        (lambda: plots.plot_gram(torch.rand(3, 2, 2)), "Pick one instance"),
        (lambda: plots.plot_gram(torch.eye(2), torch.zeros(3)), "b must have shape"),
        (lambda: plots.plot_gram(torch.full((2, 2), float("nan"))), "must be finite"),
        (lambda: plots.plot_columns(torch.rand(3, 5)), "in the plane"),
        (lambda: plots.plot_loss([0, 1], torch.rand(3)), "one row per logged step"),
        (lambda: plots.plot_columns([["a"], ["b"]]), "must hold numbers"),
    ]:
        with pytest.raises(ValueError, match=message):
            draw()


def test_a_batch_of_inputs_has_one_row_per_feature():
    x = torch.rand(7, 3)
    ax = plots.plot_inputs(x)
    assert np.allclose(ax.images[0].get_array(), x.T) and ax.images[0].get_clim() == (0, 1)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["0", "1", "2"]
