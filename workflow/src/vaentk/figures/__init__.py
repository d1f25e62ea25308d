"""One module a figure: saved measures in, a drawing with its alternative text out."""
