// The page of the GANs.

import { at, between, failed, pictures, ready, told } from "./draw.js";
import { greatCircle, joined, load, parted } from "./gan.js";
import { anySeed, normals, uniforms } from "./random.js";

const SIDE = 28;
const STEPS = 12;
const normal = normals(uniforms(anySeed()));
const latent = ({ latents }) => Array.from({ length: latents }, normal);
// Pixels are from -1 to 1, ink is 1.
const inked = (images) => images.map((one) => one.map((x) => (x + 1) / 2));

/**
 * A function that runs only once at a time; asked meanwhile, it runs again.
 */
function latest(work) {
  let running = false;
  let asked = false;
  return async () => {
    asked = true;
    if (running) return;
    running = true;
    try {
      while (asked) {
        asked = false;
        await work();
      }
    } catch (error) {
      failed(error);
    } finally {
      running = false;
    }
  };
}

async function begin() {
  const began = performance.now();
  const answer = await fetch(new URL("models/directions.json", import.meta.url));
  const [directions, gan] = await Promise.all([
    answer.json(),
    load("gan_mnist_conditional"),
  ]);
  await turning(gan, directions);
  ready(performance.now() - began);
  at("told").textContent =
    `First digit ${Math.round(performance.now() - began)} ms after the page's ` +
    `script began`;
  await walking(gan);
  clustered();
}

/** One digit: its class, and eight directions of its latents. */
async function turning(gan, directions) {
  let parts = parted(latent(gan), directions);
  let label = 3;
  const sliders = directions.map((_, k) => slider(k));
  const classes = Array.from({ length: 10 }, (_, digit) => choice(digit));

  const show = latest(async () => {
    const began = performance.now();
    const [image] = await gan.draw([joined(parts, directions)], [label]);
    pictures(at("digit"), inked([image]), SIDE, 1);
    at("told").textContent =
      `Drawn in ${told(performance.now() - began, 1)} ms`;
  });

  function slider(k) {
    const place = document.createElement("label");
    place.className = "slider";
    place.textContent = `Direction ${k + 1}`;
    const range = document.createElement("input");
    Object.assign(range, { type: "range", min: -3, max: 3, step: 0.05 });
    range.addEventListener("input", () => {
      parts.along[k] = Number(range.value);
      show();
    });
    place.append(range);
    at("sliders").append(place);
    return range;
  }

  function choice(digit) {
    const button = document.createElement("button");
    button.className = "md-button";
    button.textContent = digit;
    button.addEventListener("click", () => {
      label = digit;
      update();
    });
    at("classes").append(button);
    return button;
  }

  function update() {
    sliders.forEach((one, k) => (one.value = parts.along[k]));
    classes.forEach((one, digit) =>
      one.setAttribute("aria-pressed", digit === label),
    );
    return show();
  }

  at("new").addEventListener("click", () => {
    parts = parted(latent(gan), directions);
    update();
  });
  at("mean").addEventListener("click", () => {
    parts = parted(latent(gan).fill(0), directions);
    update();
  });
  await update();
}

/** From one digit to another, on a great circle. */
async function walking(gan) {
  let ends = [latent(gan), latent(gan)];
  const names = ["from", "to"];
  const show = latest(async () => {
    const labels = names.map((name) => Number(at(name).value));
    const places = between(0, 1, STEPS);
    const images = await gan.draw(
      places.map((t) => greatCircle(...ends, t)),
      places.map((t) => labels[Math.round(t)]),
    );
    pictures(at("walk"), inked(images), SIDE, 6);
  });
  for (const name of names) {
    for (let digit = 0; digit < 10; digit++) at(name).add(new Option(digit));
    at(name).addEventListener("change", show);
  }
  at("from").value = 7;
  at("to").value = 2;
  at("walk-again").addEventListener("click", () => {
    ends = [latent(gan), latent(gan)];
    show();
  });
  await show();
}

/** Digits of the model that knows no labels, loaded when it is asked. */
function clustered() {
  let model = null;
  const show = latest(async () => {
    at("clustered-told").textContent = "Loading";
    model ??= await load("gan_mnist");
    const began = performance.now();
    const images = await model.draw(
      Array.from({ length: 40 }, () => latent(model)),
    );
    pictures(at("clustered"), inked(images), SIDE, 10);
    at("clustered-told").textContent =
      `40 digits in ${Math.round(performance.now() - began)} ms`;
  });
  at("cluster").addEventListener("click", show);
}

begin().catch(failed);
