"""The report of a country study: sentences, tables and charts on one self-contained page."""
