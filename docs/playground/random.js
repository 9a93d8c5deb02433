// Random numbers from a seed: xoshiro128** of Blackman and Vigna, 2018.

/** A function of uniform numbers in [0, 1), the same for the same seed. */
export function uniforms(seed) {
  // Its four words by splitmix32.
  const state = new Uint32Array(4).map(() => {
    seed = (seed + 0x9e3779b9) | 0;
    let word = Math.imul(seed ^ (seed >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return word ^ (word >>> 15);
  });
  const turned = (word, by) => (word << by) | (word >>> (32 - by));
  return () => {
    const drawn = Math.imul(turned(Math.imul(state[1], 5), 7), 9) >>> 0;
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = turned(state[3], 11);
    return drawn / 2 ** 32;
  };
}

/** A function of numbers from N(0, 1), by Box and Muller. */
export function normals(uniform) {
  return () =>
    Math.sqrt(-2 * Math.log(1 - uniform())) *
    Math.cos(2 * Math.PI * uniform());
}

/** A seed that nobody chose. */
export const anySeed = () => crypto.getRandomValues(new Uint32Array(1))[0];
