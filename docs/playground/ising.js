// The Ising model on a square lattice with periodic ends: spins -1 and 1,
// E = -sum over neighbours of s_i s_j, p = exp(-E / T) / Z; J = k = 1.

export const CRITICAL = 2 / Math.log(1 + Math.SQRT2);

/** Onsager's energy of a spin of the infinite lattice. */
export function exactEnergy(temperature) {
  const tanh = Math.tanh(2 / temperature);
  const modulus = 2 * tanh ** 2 - 1;
  if (Math.abs(modulus) < 1e-15) return -1 / tanh;
  // K(k) = pi / 2 over the arithmetic-geometric mean of 1 and k'.
  let [a, g] = [1, Math.abs(modulus)];
  while (a - g > 1e-14 * a) [a, g] = [(a + g) / 2, Math.sqrt(a * g)];
  return -(1 + modulus / a) / tanh;
}

/** Yang's spontaneous magnetisation of the infinite lattice. */
export function exactMagnetisation(temperature) {
  if (temperature >= CRITICAL) return 0;
  return (1 - Math.sinh(2 / temperature) ** -4) ** 0.125;
}

/** p(s = 1 | neighbours whose sum is `field`), the heat bath. */
export const upProbability = (field, temperature) =>
  1 / (1 + Math.exp((-2 * field) / temperature));

export class Lattice {
  /** @param side even; all spins begin as 1. */
  constructor(side) {
    this.side = side;
    this.spins = new Int8Array(side * side).fill(1);
    const at = (row, column) =>
      ((row + side) % side) * side + ((column + side) % side);
    const sites = Array.from(this.spins, (_, i) => i);
    this.neighbours = Int32Array.from(
      sites.flatMap((i) => {
        const [row, column] = [Math.floor(i / side), i % side];
        return [
          at(row, column + 1),
          at(row + 1, column),
          at(row, column - 1),
          at(row - 1, column),
        ];
      }),
    );
    // The colours of a chessboard: spins of one do not meet.
    const colour = (i) => (Math.floor(i / side) + (i % side)) % 2;
    this.order = sites.sort((i, j) => colour(i) - colour(j));
  }

  /** Spins by a function of their number. */
  set(spin) {
    this.spins = this.spins.map((_, i) => spin(i));
  }

  /** Draws every spin anew given its neighbours, so many times. */
  sweep(temperature, sweeps, uniform) {
    const up = [-4, -2, 0, 2, 4].map((f) => upProbability(f, temperature));
    const { spins, neighbours } = this;
    for (let step = 0; step < sweeps; step++)
      for (const i of this.order) {
        const field =
          spins[neighbours[4 * i]] +
          spins[neighbours[4 * i + 1]] +
          spins[neighbours[4 * i + 2]] +
          spins[neighbours[4 * i + 3]];
        spins[i] = uniform() < up[field / 2 + 2] ? 1 : -1;
      }
  }

  /** The energy of a spin. */
  energy() {
    let bonds = 0;
    this.spins.forEach((spin, i) => {
      const right = this.spins[this.neighbours[4 * i]];
      const below = this.spins[this.neighbours[4 * i + 1]];
      bonds += spin * (right + below);
    });
    return -bonds / this.spins.length;
  }

  /** The mean spin. */
  magnetisation() {
    return this.spins.reduce((x, y) => x + y) / this.spins.length;
  }
}

const BLOCKS = 32;

/** The mean of a chain's values, and its error from means of long blocks. */
export class Average {
  constructor() {
    this.blocks = [];
    this.length = 1;
    this.open = [];
  }

  add(value) {
    this.open.push(value);
    if (this.open.length < this.length) return;
    this.blocks.push(mean(this.open));
    this.open = [];
    if (this.blocks.length < 2 * BLOCKS) return;
    // Two blocks become one: blocks grow with the chain.
    this.blocks = this.blocks
      .map((one, i, all) => (one + all[i + 1]) / 2)
      .filter((_, i) => i % 2 === 0);
    this.length *= 2;
  }

  get value() {
    return mean(this.blocks);
  }

  get error() {
    const centre = this.value;
    const squares = this.blocks.map((one) => (one - centre) ** 2);
    return Math.sqrt(mean(squares) / (this.blocks.length - 1));
  }
}

const mean = (values) => values.reduce((x, y) => x + y, 0) / values.length;
