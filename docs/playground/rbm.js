// A restricted Boltzmann machine of units that are 0 or 1:
// E(v, h) = -a.v - b.h - v W h, p(v, h) = exp(-E(v, h)) / Z. Energies in nats.

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const dot = (x, y) => x.reduce((sum, one, i) => sum + one * y[i], 0);

/** A preset, by its name, and digits to begin with, if it has any. */
export async function load(name) {
  const address = new URL(`models/${name}.json`, import.meta.url);
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} is not there`);
  const file = await answer.json();
  return { rbm: new RBM(file), examples: file.examples };
}

export class RBM {
  /**
   * @param kernel W, its rows one after another, a number a pair of units.
   * @param visible the biases a; @param hidden the biases b.
   * @param logPartition log Z in nats, if it is known.
   */
  constructor({ kernel, visible, hidden, logPartition }) {
    this.kernel = Float64Array.from(kernel);
    this.visible = Float64Array.from(visible);
    this.hidden = Float64Array.from(hidden);
    this.logPartition = logPartition;
  }

  /** b + v W: how strongly the visible units drive each hidden one. */
  hiddenFields(v) {
    const fields = Float64Array.from(this.hidden);
    for (let i = 0; i < v.length; i++) {
      if (v[i] === 0) continue;
      const row = i * fields.length;
      for (let j = 0; j < fields.length; j++)
        fields[j] += v[i] * this.kernel[row + j];
    }
    return fields;
  }

  /** a + W h. */
  visibleFields(h) {
    const fields = Float64Array.from(this.visible);
    for (let i = 0; i < fields.length; i++) {
      const row = i * h.length;
      for (let j = 0; j < h.length; j++)
        fields[i] += this.kernel[row + j] * h[j];
    }
    return fields;
  }

  /** p(h = 1 | v). */
  hiddenMeans(v) {
    return this.hiddenFields(v).map(sigmoid);
  }

  /** p(v = 1 | h). */
  visibleMeans(h) {
    return this.visibleFields(h).map(sigmoid);
  }

  /** E(v, h). */
  jointEnergy(v, h) {
    return -dot(this.visible, v) - dot(this.hiddenFields(v), h);
  }

  /** E(v) = -log sum_h exp(-E(v, h)), the free energy. */
  energy(v) {
    const terms = this.hiddenFields(v).map(softplus);
    return -dot(this.visible, v) - terms.reduce((x, y) => x + y);
  }

  /** log p(v). */
  logProb(v) {
    return -this.energy(v) - this.logPartition;
  }

  /** Noise to begin a chain with: each pixel by its bias alone. */
  start(uniform) {
    return this.visible.map((bias) => +(uniform() < sigmoid(bias)));
  }

  /**
   * Gibbs sampling: h given v, then v given h, so many times.
   *
   * @param known an array of truth values: visible units that stay.
   * @return { v, means }, the last state and p(v = 1 | h) of it.
   */
  sweep(v, sweeps, uniform, known = null) {
    v = Float64Array.from(v);
    let means = v;
    for (let step = 0; step < sweeps; step++) {
      const h = this.hiddenMeans(v);
      for (let j = 0; j < h.length; j++) h[j] = +(uniform() < h[j]);
      means = this.visibleMeans(h);
      for (let i = 0; i < v.length; i++)
        if (!known?.[i]) v[i] = +(uniform() < means[i]);
    }
    return { v, means };
  }
}
