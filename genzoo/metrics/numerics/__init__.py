"""What metrics and divergences compute with: neighbours, counts, networks."""
