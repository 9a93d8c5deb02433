"""Keras metrics whose `update_state` gets data and samples."""
