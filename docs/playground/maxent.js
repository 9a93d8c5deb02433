// The distribution of largest entropy over given numbers whose mean is known:
// p_i = exp(multiplier x_i) / Z. Entropies in nats.

/** p for a multiplier, and log Z. */
export function boltzmann(values, multiplier) {
  const exponents = values.map((x) => multiplier * x);
  const largest = Math.max(...exponents);
  const weights = exponents.map((one) => Math.exp(one - largest));
  const sum = weights.reduce((x, y) => x + y);
  return {
    p: weights.map((one) => one / sum),
    logPartition: largest + Math.log(sum),
  };
}

export const entropy = (p) =>
  -p.reduce((sum, one) => sum + (one > 0 ? one * Math.log(one) : 0), 0);

/**
 * The multiplier by Newton's method on log Z - multiplier x mean, whose slope
 * is the error of the mean and whose curvature is the variance. A step that
 * does not descend is halved.
 *
 * @param mean strictly between the least and the largest value.
 * @return { multiplier, p, entropy, logPartition, steps }
 */
export function fit(values, mean) {
  if (!(mean > Math.min(...values) && mean < Math.max(...values)))
    throw new RangeError(
      `fit: mean must lie between the least and the largest of the values; ` +
        `received ${mean}.`,
    );
  const dual = (at) => boltzmann(values, at).logPartition - at * mean;
  let multiplier = 0;
  for (let steps = 0; ; steps++) {
    const { p, logPartition } = boltzmann(values, multiplier);
    const average = (f) => p.reduce((sum, one, i) => sum + one * f(values[i]), 0);
    const error = average((x) => x) - mean;
    if (Math.abs(error) < 1e-12 || steps === 100)
      return { multiplier, p, entropy: entropy(p), logPartition, steps };
    let step = error / average((x) => (x - mean - error) ** 2);
    const here = dual(multiplier);
    while (dual(multiplier - step) > here + 1e-12) step /= 2;
    multiplier -= step;
  }
}
