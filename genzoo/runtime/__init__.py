"""The machine room: randomness, distribution, data and memory."""
