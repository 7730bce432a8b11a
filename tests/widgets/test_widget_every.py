"""What holds for every widget, moved as a reader moves it."""

import base64
import gc
import io
import itertools

import nbconvert
import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from hand import ends, move, press, rest, run_code, workers
from tms_edu.widgets import (
    AlmostOrthogonal,
    BeatTheOptimiser,
    CatCircuit,
    GramGym,
    NeuronProber,
    OneInput,
    RandomToOrthonormal,
    RotateTheBasis,
    SuperpositionLab,
    TrainingFilm,
    TwoCodes,
)

# Short trainings of small models: these tests are about the widgets, not about what is learnt.
WIDGETS = {
    "SuperpositionLab": lambda: SuperpositionLab(n_features=3, steps=20),
    "RandomToOrthonormal": RandomToOrthonormal,
    "RotateTheBasis": RotateTheBasis,
    "AlmostOrthogonal": lambda: AlmostOrthogonal(d=4, steps=100),
    "TwoCodes": lambda: TwoCodes(steps=20),
    "OneInput": OneInput,
    "TrainingFilm": TrainingFilm,
    "GramGym": GramGym,
    "BeatTheOptimiser": lambda: BeatTheOptimiser(steps=20),
    "NeuronProber": NeuronProber,
    "CatCircuit": CatCircuit,
}


@pytest.fixture(params=WIDGETS.values(), ids=WIDGETS.keys())
def widget(request):
    widget = request.param()
    yield widget
    widget.close()
    assert not workers()


def test_every_pair_of_ends_draws_and_says_something(widget):
    start = widget.values
    for first, second in itertools.combinations(widget.controls, 2):
        for a, b in itertools.product(ends(widget.controls[first]), ends(widget.controls[second])):
            widget.set(**start | {first: a, second: b})
            assert widget.sentence.endswith(".") and not widget.error
            assert widget._stage.picture.startswith(b"\x89PNG")


def test_every_option_is_taken_from_the_browser(widget):
    for name, control in widget.controls.items():
        for option in control.options:
            move(widget, **{name: option})
            rest(widget)
            assert widget.values[name] == option and not widget.error
        press(widget, "reset")
        rest(widget)


def test_presets_and_reset_move_the_controls(widget):
    start = widget.values
    for label, values in widget.presets.items():
        press(widget, f"try:{label}")
        rest(widget)
        assert widget._panel.values == widget.values == start | values
    press(widget, "reset")
    rest(widget)
    assert widget._panel.values == widget.values == start


def test_the_code_runs_at_every_end(widget):
    for name, control in widget.controls.items():
        for end in ends(control):
            widget.set(**{name: end})
            run_code(widget)
        press(widget, "reset")
        rest(widget)


def test_the_picture_follows_the_controls(widget):
    start, before = widget.values, widget._stage.picture
    for name, control in widget.controls.items():
        widget.set(**start | {name: next(option for option in control.options if option != start[name])})
        assert widget._stage.picture != before, f"{name} changes nothing"


def test_a_stored_output_is_the_picture_with_its_sentence(widget):
    data, metadata = widget._repr_mimebundle_()
    assert metadata == {"image/png": {"alt": widget.sentence}}
    assert data["text/plain"] == repr(widget) == widget.sentence
    assert data.pop("application/vnd.jupyter.widget-view+json")["model_id"]
    stored = base64.b64decode(data["image/png"])
    width, height = Image.open(io.BytesIO(stored)).size
    assert width == 150 * widget.size[0] and height > 150 * widget.size[1] and len(stored) < 120_000

    output = new_output("execute_result", data, metadata=metadata, execution_count=1)
    notebook = new_notebook(cells=[new_code_cell("widget", outputs=[output], execution_count=1)])
    exporter = nbconvert.HTMLExporter(template_name="classic")  # the other templates do not write alt texts
    page, _ = exporter.from_notebook_node(nbformat.from_dict(notebook))
    assert f'alt="{widget.sentence}"' in page.replace("&#39;", "'")


def test_first_display_is_finished_and_the_same_each_time(widget, request):
    again = request.node.callspec.params["widget"]()
    assert widget.done and not widget.busy
    assert again.sentence == widget.sentence and again._stage.picture == widget._stage.picture
    again.close()


def test_moves_leave_nothing_behind(widget):
    """Eighty here; the benchmark makes a thousand."""
    name, control = max(widget.controls.items(), key=lambda item: len(item[1].options))

    def size_after(moves):
        for option in itertools.islice(itertools.cycle(control.options), moves):
            move(widget, **{name: option})
        rest(widget)
        gc.collect()
        return len(gc.get_objects()), psutil.Process().memory_info().rss

    objects, memory = size_after(50)
    more_objects, more_memory = size_after(80)
    assert more_objects - objects < 60 and more_memory - memory < 20e6
