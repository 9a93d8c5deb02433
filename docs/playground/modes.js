// One normal density q = N(mean, sd) as a model of two modes, learned by
// likelihood, by the reverse divergence, or by an adversary. In nats.

const END = 20;
const CELL = 0.04;
export const grid = Array.from(
  { length: (2 * END) / CELL + 1 },
  (_, i) => i * CELL - END,
);

const logNormal = (x, mean, sd) =>
  -0.5 * ((x - mean) / sd) ** 2 - Math.log(sd) - 0.5 * Math.log(2 * Math.PI);

/** The data: 0.7 N(-1.75, 0.5) + 0.3 N(1.75, 0.5), as in chapter 10. */
export const DATA = { weight: 0.7, place: 1.75, sd: 0.5 };

export function logData(x) {
  const one = Math.log(DATA.weight) + logNormal(x, -DATA.place, DATA.sd);
  const two = Math.log(1 - DATA.weight) + logNormal(x, DATA.place, DATA.sd);
  const largest = Math.max(one, two);
  return largest + Math.log(Math.exp(one - largest) + Math.exp(two - largest));
}

export const logModel = (x, { mean, logSd }) =>
  logNormal(x, mean, Math.exp(logSd));

export const drawData = (uniform, normal) =>
  (uniform() < DATA.weight ? -1 : 1) * DATA.place + DATA.sd * normal();

/** A sum over the grid's cells of f(x). */
const integral = (f) => grid.reduce((sum, x) => sum + f(x), 0) * CELL;

/** KL(data || model) and KL(model || data). */
export function divergences(model) {
  const gap = (x) => logData(x) - logModel(x, model);
  return {
    forward: integral((x) => Math.exp(logData(x)) * gap(x)),
    reverse: -integral((x) => Math.exp(logModel(x, model)) * gap(x)),
  };
}

/** Derivatives of log q by the mean and by log sd. */
function score(x, { mean, logSd }) {
  const sd = Math.exp(logSd);
  const z = (x - mean) / sd;
  return [z / sd, z * z - 1];
}

/** The gradient of KL(data || model), that of -log-likelihood. */
export const forwardGradient = (model) =>
  [0, 1].map((i) =>
    integral((x) => -Math.exp(logData(x)) * score(x, model)[i]),
  );

/** The gradient of KL(model || data). */
export const reverseGradient = (model) =>
  [0, 1].map((i) =>
    integral(
      (x) =>
        Math.exp(logModel(x, model)) *
        score(x, model)[i] *
        (logModel(x, model) - logData(x)),
    ),
  );

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

/** D: a layer of tanh units, and a logit: is x of the data? */
export class Discriminator {
  constructor(units, normal) {
    this.units = units;
    // Slopes, offsets, weights of the units, and an offset of the logit.
    this.weights = Float64Array.from({ length: 3 * units + 1 }, (_, i) =>
      i < 2 * units ? normal() : 0.1 * normal(),
    );
  }

  /** The logit at x, its slope there, and what `gradient` needs. */
  at(x) {
    const { units, weights } = this;
    const hidden = new Float64Array(units);
    let [logit, slope] = [weights[3 * units], 0];
    for (let k = 0; k < units; k++) {
      hidden[k] = Math.tanh(weights[k] * x + weights[units + k]);
      logit += weights[2 * units + k] * hidden[k];
      slope += weights[2 * units + k] * (1 - hidden[k] ** 2) * weights[k];
    }
    return { logit, slope, hidden };
  }

  /** D(x). */
  judge(x) {
    return sigmoid(this.at(x).logit);
  }

  /** The gradient of -<log D(data)> - <log(1 - D(drawn))>. */
  gradient(data, drawn) {
    const total = new Float64Array(this.weights.length);
    for (const [rows, isReal] of [[data, 1], [drawn, 0]])
      for (const x of rows) {
        const { logit, hidden } = this.at(x);
        this.#add(total, x, hidden, (sigmoid(logit) - isReal) / rows.length);
      }
    return total;
  }

  #add(total, x, hidden, share) {
    const { units, weights } = this;
    for (let k = 0; k < units; k++) {
      const inner = share * weights[2 * units + k] * (1 - hidden[k] ** 2);
      total[k] += inner * x;
      total[units + k] += inner;
      total[2 * units + k] += share * hidden[k];
    }
    total[3 * units] += share;
  }
}

/**
 * The gradient by mean and log sd of -<log D(x)>, x = mean + sd z: the
 * generator's non-saturating loss, for normal numbers z.
 */
export function generatorGradient(model, discriminator, noise) {
  const sd = Math.exp(model.logSd);
  const total = [0, 0];
  for (const z of noise) {
    const { logit, slope } = discriminator.at(model.mean + sd * z);
    const by = ((sigmoid(logit) - 1) * slope) / noise.length;
    total[0] += by;
    total[1] += by * sd * z;
  }
  return total;
}

/** Adam without momentum, as GANs are trained: a function of gradients. */
export function adam(size, rate) {
  const squares = new Float64Array(size);
  let steps = 0;
  return (gradient) => {
    steps++;
    return gradient.map((one, i) => {
      squares[i] += 0.01 * (one * one - squares[i]);
      return (-rate * one) / Math.sqrt(squares[i] / (1 - 0.99 ** steps) + 1e-12);
    });
  };
}
