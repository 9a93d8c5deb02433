"""SavedModels: the functions that a model serves without genzoo."""

import keras


def export(path, endpoints, resource, verbose=False):
    """Write a SavedModel with these endpoints.

    Args:
        path: the folder to write.
        endpoints: dict from names to (function, input signature); the first
            is the default signature.
        resource: the layer or model whose weights the functions use.
        verbose: whether to print the endpoints.
    """
    archive = keras.export.ExportArchive()
    archive.track(resource)
    for name, (function, signature) in endpoints.items():
        archive.add_endpoint(name, function, input_signature=signature)
    archive.write_out(str(path), verbose=verbose)
