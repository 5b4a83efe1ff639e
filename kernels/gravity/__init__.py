"""Multi-industry gravity with scale effects: the exact hat system and its solution."""
