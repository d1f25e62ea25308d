"""Intervals, slopes, resampling, trends: what turns seeds into statements."""
