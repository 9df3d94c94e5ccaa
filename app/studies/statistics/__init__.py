"""The statistics of reader studies on NumPy and SciPy; each function names its source."""
