"""Real handwritten digits."""

from importlib.resources import files

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

N_TRAIN = 1300
PARTS = {"all": slice(None), "train": slice(N_TRAIN), "test": slice(N_TRAIN, None)}


def load_digits(part: str = "all") -> tuple[Float[Tensor, "images 64"], Int[Tensor, "images"]]:
    """Return handwritten digits and what each of them is.

    1,797 images of 8 × 8 pixels, rows one after the other, 0 (paper) to 1 (ink), in the order of the source:
    the first 1,300 are the "train" part, the last 497 the "test" part.
    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998; CC BY 4.0.

    Args:
        part: "all", "train" or "test".

    Raises:
        ValueError: for another part.

    >>> images, labels = load_digits("test")
    >>> images.shape, labels[:5].tolist()
    (torch.Size([497, 64]), [3, 4, 5, 6, 7])
    """
    if part not in PARTS:
        raise ValueError(f"part must be one of {', '.join(PARTS)}; got {part!r}.")
    with files(__package__).joinpath("digits.npz").open("rb") as file, np.load(file) as stored:
        images, labels = (torch.from_numpy(stored[name][PARTS[part]]) for name in ("images", "labels"))
    return images.flatten(1).float() / 16, labels.long()
