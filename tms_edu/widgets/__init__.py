"""Pictures that answer: controls, a picture and a sentence, computed while you watch."""

from tms_edu.widgets.superposition_lab import SuperpositionLab

__all__ = ["SuperpositionLab"]
