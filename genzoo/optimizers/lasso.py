"""The least value of a quadratic with an L1 term, by its active set."""

import tensorflow as tf

# Added to the diagonal of ones: duplicates of a parameter stay solvable.
_RIDGE = 1e-13
# Of a gradient, as a share of the terms that it is the sum of.
_ROUNDING = 1e-13


def lasso(
    hessian: tf.Tensor, gradient: tf.Tensor, x: tf.Tensor, l1: tf.Tensor
) -> tf.Tensor:
    """The z where `g . (z - x) + (z - x) H (z - x) / 2 + sum l1 |z|` is least.

    Signs are guessed, and the quadratic that they leave is solved; on the way
    to its solution the best point is taken, among those where a parameter
    crosses zero, which then stays there. Once the signs hold, parameters at
    zero whose gradient exceeds their l1 are let go: all of them, if all then
    move as guessed, else the one with the greatest. Each turn lowers the
    value, so that it ends, at a point with
    `g_i = -l1_i sign(z_i)` where z_i is not 0, and `|g_i| <= l1_i` elsewhere.
    A turn costs n k numbers and k^3 time for k parameters that are not zero.

    Args:
        hessian: H, (n, n), positive semi-definite.
        gradient: g at x, (n,).
        x: where the gradient is known, (n,).
        l1: weights of the absolute values, 0 or more, (n,).

    Returns:
        z, (n,), with exact zeros.

    Reference:
        Lee, Battle, Raina and Ng, "Efficient sparse coding algorithms",
        NeurIPS 2006.
    """
    count = tf.size(x, tf.int64)
    diagonal = tf.linalg.diag_part(hessian)
    # Scaled to a diagonal of ones: features may differ by orders of size.
    scale = tf.math.rsqrt(tf.maximum(diagonal, 1e-300))
    scaled = hessian * scale[:, None] * scale
    scaled = tf.linalg.set_diag(scaled, (1 + _RIDGE) * tf.ones_like(diagonal))
    start = x / scale
    weight = l1 * scale
    offset = gradient * scale - tf.linalg.matvec(scaled, start)
    size, none = tf.abs(scaled), tf.zeros((), x.dtype)

    def slope(y):
        return tf.linalg.matvec(scaled, y) + offset

    def path(y, active, signs):
        """From y to the solution for these signs, 0 where not active."""
        places = tf.where(active)
        among = places[:, 0]
        matrix = tf.gather(tf.gather(scaled, among), among, axis=1)
        right = -tf.gather(slope(y) + weight * signs, among)
        way = tf.linalg.solve(matrix, right[:, None])[:, 0]
        return tf.scatter_nd(places, way, tf.shape(y, tf.int64))

    def best_on(y, way):
        """The point of least value on a way, and how much less it is."""
        crossing = tf.math.divide_no_nan(-y, way)
        stops = (weight > 0) & (crossing > 0) & (crossing < 1)
        # The last stop is the end of the way, where no parameter crosses.
        stop = tf.concat([tf.where(stops)[:, 0], count[None]], axis=0)
        share = tf.gather(tf.concat([crossing, [none + 1]], axis=0), stop)
        moves = tf.where(way != 0)[:, 0]
        old, step, held = (tf.gather(v, moves) for v in (y, way, weight))
        signs = tf.where(old != 0, tf.sign(old), tf.sign(step))
        # With the L1 term by signs: a difference of sizes has the rounding of
        # these, which may be more than all that there is to gain.
        rise = share * tf.reduce_sum(
            (tf.gather(slope(y), moves) + held * signs) * step
        )
        bend = tf.reduce_sum(way * tf.linalg.matvec(scaled, way))
        rise += 0.5 * share**2 * bend
        beyond = tf.nn.relu(-signs * (old + share[:, None] * step))
        beyond = tf.where(moves == stop[:, None], none, beyond)
        rise += 2 * tf.linalg.matvec(beyond, held)
        place = tf.argmin(rise)
        better = y + share[place] * way
        better = tf.where(tf.range(count) == stop[place], none, better)
        return better, rise[place]

    def turn(number, y, _):
        now = slope(y)
        rounding = _ROUNDING * (
            tf.linalg.matvec(size, tf.abs(y)) + tf.abs(offset) + weight
        )
        active = (y != 0) | (weight == 0)
        signs = tf.sign(y)
        missed = tf.abs(now + weight * signs) > rounding
        excess = tf.abs(now) - weight - rounding
        excess = tf.where(active, -tf.ones_like(y), excess)
        new = excess > 0
        is_settled = ~tf.reduce_any(active & missed)
        done = is_settled & ~tf.reduce_any(new)
        new &= is_settled
        guess = tf.where(new, -tf.sign(now), signs)
        way = path(y, active | new, guess)

        def with_the_greatest():
            one = tf.range(count) == tf.argmax(excess)
            return path(y, active | (new & one), guess)

        as_guessed = tf.reduce_all(~new | (way * guess > 0))
        way = tf.cond(as_guessed, lambda: way, with_the_greatest)
        better, rise = best_on(y, way)
        lower = ~done & (rise < 0)
        return number + 1, tf.where(lower, better, y), lower

    _, y, _ = tf.while_loop(
        lambda number, _, goes_on: goes_on & (number < 20 * count + 100),
        turn,
        (tf.zeros((), tf.int64), start, count > 0),
    )
    return y * scale
