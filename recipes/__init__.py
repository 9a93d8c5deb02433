"""How the presets were trained: `python -m recipes.train NAME`."""
