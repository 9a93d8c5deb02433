"""How sums over a space are found: exactly in several ways, or by chains."""

from genzoo.models.maxent.density import Density
from genzoo.models.maxent.routes.chains import ChainRoute
from genzoo.models.maxent.routes.cube import CubeRoute, find_cube
from genzoo.models.maxent.routes.product import ProductRoute, find_product
from genzoo.models.maxent.routes.route import ExactRoute, Moments, Route
from genzoo.models.maxent.routes.strip import StripRoute, find_strip
from genzoo.models.maxent.routes.summation import Summation, is_summable
from genzoo.models.maxent.routes.window import Window

__all__ = [
    "ChainRoute",
    "CubeRoute",
    "ExactRoute",
    "Moments",
    "ProductRoute",
    "Route",
    "StripRoute",
    "Summation",
    "Window",
    "exact_route",
]


def exact_route(density: Density, window: Window) -> ExactRoute | None:
    """The route by which a density is summed, None where it must be sampled.

    Args:
        density: what is summed.
        window: where unbounded sites are integrated.
    """
    if is_summable(density.space, density.features.nodes):
        cube = find_cube(density)
        if cube is None:
            return Summation(density, window)
        return CubeRoute(density, window, cube)
    strip = find_strip(density)
    if strip is not None:
        return StripRoute(density, window, strip)
    parts = find_product(density)
    return None if parts is None else ProductRoute(density, window, parts)
