"""The report's tables: measures of all runs of a kind, put together and ordered for reading."""
