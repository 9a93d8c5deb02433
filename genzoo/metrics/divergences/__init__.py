"""Entropies and divergences as functions, in nats."""
