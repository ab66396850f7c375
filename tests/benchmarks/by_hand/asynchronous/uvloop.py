"""In place of the real one, which this function's requirements do not bring: the server goes on without."""

raise ImportError("uvloop is not among the requirements of a function that is written after Google's documentation")
