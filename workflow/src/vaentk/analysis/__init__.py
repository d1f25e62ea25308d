"""Measures with their uncertainty: slopes, rates, distances."""
