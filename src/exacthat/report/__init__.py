"""Reports: what a study found as text, table, chart and files, with a manifest of how it was computed."""
