"""Two-country Ricardian cut-off equilibrium with any number of industries."""
