"""What a person runs beside the workflow: compare, reference, settings_page."""
