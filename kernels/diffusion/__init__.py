"""Many-country learning: spillovers among a country's industries, diffusion from abroad, research."""
