"""What is made small beside a loss; Keras's own regularizers serve too."""

from genzoo.regularizers.sparsity import Sparsity

__all__ = ["Sparsity"]
