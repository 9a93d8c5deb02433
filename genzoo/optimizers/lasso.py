"""The least value of a quadratic with an L1 term, by its active set."""

import tensorflow as tf

# Added to the diagonal of ones: duplicates of a parameter stay solvable.
_RIDGE = 1e-13
# Of a gradient, as a share of the terms that it is the sum of.
_ROUNDING = 1e-13


def lasso(
    hessian: tf.Tensor,
    gradient: tf.Tensor,
    x: tf.Tensor,
    l1: tf.Tensor,
    free: tf.Tensor,
) -> tf.Tensor:
    """The z where `g . (z - x) + (z - x) H (z - x) / 2 + sum l1 |z|` is least.

    Signs are guessed, and the quadratic that they leave is solved; on the way
    to its solution the best point is taken, among those where a parameter
    crosses zero, which then stays there. Once the signs hold, parameters at
    zero whose gradient exceeds their l1 are let go: all of them, if all then
    move as guessed, else the one with the greatest. Each turn lowers the
    value, so that it ends, at a point with
    `g_i = -l1_i sign(z_i)` where z_i is not 0, and `|g_i| <= l1_i` elsewhere.

    Args:
        hessian: H, (n, n), positive semi-definite.
        gradient: g at x, (n,).
        x: where the gradient is known, (n,).
        l1: weights of the absolute values, 0 or more, (n,).
        free: 1.0 for the parameters that may move, 0.0 for those that stay.

    Returns:
        z, (n,), with exact zeros.

    Reference:
        Lee, Battle, Raina and Ng, "Efficient sparse coding algorithms",
        NeurIPS 2006.
    """
    count = hessian.shape[0]
    diagonal = tf.linalg.diag_part(hessian)
    # Scaled to a diagonal of ones: features may differ by orders of size.
    scale = tf.math.rsqrt(tf.maximum(diagonal, 1e-300))
    scaled = hessian * (free * scale)[:, None] * (free * scale)
    scaled = tf.linalg.set_diag(scaled, (1 + _RIDGE) * tf.ones_like(diagonal))
    start = x / scale
    weight = l1 * scale
    offset = gradient * scale * free - tf.linalg.matvec(scaled, start)
    size = tf.abs(scaled)
    is_free = free > 0

    def slope(y):
        return tf.linalg.matvec(scaled, y) + offset

    def path(y, active, signs):
        """From y to the solution for these signs, 0 where not active."""
        kept = tf.cast(active, y.dtype)
        matrix = scaled * kept[:, None] * kept
        matrix = tf.linalg.set_diag(matrix, (1 + _RIDGE) * tf.ones_like(y))
        right = -kept * (slope(y) + weight * signs)
        return tf.linalg.solve(matrix, right[:, None])[:, 0] * kept

    def best_on(y, way):
        """The point of least value on a way, and how much less it is."""
        crossing = tf.math.divide_no_nan(-y, way)
        stops = (weight > 0) & (crossing > 0) & (crossing < 1)
        share = tf.where(stops, crossing, tf.ones_like(y))
        points = y + share[:, None] * way
        points = tf.linalg.set_diag(
            points, tf.where(stops, 0 * y, tf.linalg.diag_part(points))
        )
        change = tf.abs(points) - tf.abs(y)
        rise = share * tf.reduce_sum(slope(y) * way)
        bend = tf.reduce_sum(way * tf.linalg.matvec(scaled, way))
        rise += 0.5 * share**2 * bend + tf.linalg.matvec(change, weight)
        place = tf.argmin(rise)
        return points[place], rise[place]

    def turn(number, y, _):
        now = slope(y)
        rounding = _ROUNDING * (
            tf.linalg.matvec(size, tf.abs(y)) + tf.abs(offset) + weight
        )
        active = is_free & ((y != 0) | (weight == 0))
        signs = tf.sign(y)
        missed = tf.abs(now + weight * signs) > rounding
        excess = tf.abs(now) - weight - rounding
        excess = tf.where(is_free & ~active, excess, -tf.ones_like(y))
        new = excess > 0
        is_settled = ~tf.reduce_any(active & missed)
        done = is_settled & ~tf.reduce_any(new)
        new &= is_settled
        guess = tf.where(new, -tf.sign(now), signs)
        way = path(y, active | new, guess)

        def with_the_greatest():
            one = tf.range(count, dtype=tf.int64) == tf.argmax(excess)
            return path(y, active | (new & one), guess)

        as_guessed = tf.reduce_all(~new | (way * guess > 0))
        way = tf.cond(as_guessed, lambda: way, with_the_greatest)
        better, rise = best_on(y, way)
        lower = ~done & (rise < 0)
        return number + 1, tf.where(lower, better, y), lower

    _, y, _ = tf.while_loop(
        lambda number, _, goes_on: goes_on & (number < 20 * count + 100),
        turn,
        (tf.zeros((), tf.int32), start, tf.constant(True)),
    )
    return tf.where(is_free, y * scale, x)
