import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_five_lines_print_what_the_readme_says(capsys):
    text = README.read_text(encoding="utf-8")
    code, said = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", text, re.DOTALL).groups()
    exec(code, {})
    printed = capsys.readouterr().out
    number = re.compile(r"[+−]\d\.\d\d")
    assert number.sub("#", printed) == number.sub("#", said)
    for here, there in zip(number.findall(printed), number.findall(said), strict=True):
        assert abs(float(here.replace("−", "-")) - float(there.replace("−", "-"))) < 0.05
