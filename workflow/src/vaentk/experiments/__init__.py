"""The settings of every experiment: typed, frozen and strict, one class a kind.

A run of a kind has a name in the configuration. Some kinds train one network at several widths;
others train *variants* of it that differ in one setting or two.
"""
