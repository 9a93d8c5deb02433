"""Callbacks that watch generative models while they train."""

from genzoo.callbacks.chain_health import ChainHealth
from genzoo.callbacks.log_likelihood import LogLikelihood

__all__ = ["ChainHealth", "LogLikelihood"]
