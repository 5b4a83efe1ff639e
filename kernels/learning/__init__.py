"""Inter-industry learning in two trading countries, integrated through every change of pattern."""
