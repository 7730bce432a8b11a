"""Linear representations: what a direction can hold, how many directions there is room for, how a line reads them back."""
