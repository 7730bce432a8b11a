import matplotlib.pyplot as plt
import torch

from tms_edu import SparseFeatures, ToyModel, checks, plots, theory, widgets
from tms_edu.captions import caption
from tms_edu.geometry import feature_dimensionality, feature_norms, gram, interference, read_gram
from tms_edu.training import reconstruction_loss, train
