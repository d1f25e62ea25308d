"""A verdict on every statement, read from measures."""
