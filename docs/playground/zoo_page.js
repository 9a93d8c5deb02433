// Of a preset's page: a button that draws new samples.

import { at, failed, pictures, ready } from "./draw.js";
import { load as loadGAN } from "./gan.js";
import { anySeed, normals, uniforms } from "./random.js";
import { load as loadRBM } from "./rbm.js";

const SWEEPS = 100;
const uniform = uniforms(anySeed());
const normal = normals(uniform);

/** A function that draws (images, their width, columns). */
const LOADERS = {
  async RBM(name) {
    const { rbm } = await loadRBM(name);
    const draw = () => rbm.sweep(rbm.start(uniform), SWEEPS, uniform).means;
    return () => [Array.from({ length: 24 }, draw), 8, 8];
  },
  async GAN(name) {
    const gan = await loadGAN(name);
    const labels = Array.from({ length: 40 }, (_, i) => i % 10);
    const latent = () => Array.from({ length: gan.latents }, normal);
    return async () => {
      const drawn = await gan.draw(
        labels.map(latent),
        gan.hasClasses ? labels : null,
      );
      const side = Math.round(Math.sqrt(drawn[0].length));
      return [drawn.map((one) => one.map((x) => (x + 1) / 2)), side, 10];
    };
  },
};

const { preset, kind } = at("drawing").dataset;
let draw = null;
at("draw").addEventListener("click", async () => {
  try {
    const began = performance.now();
    draw ??= LOADERS[kind](preset);
    pictures(at("drawn"), ...(await (await draw)()));
    at("told").textContent =
      `Drawn in this page, in ${Math.round(performance.now() - began)} ms`;
  } catch (error) {
    failed(error);
  }
});
ready(0);
