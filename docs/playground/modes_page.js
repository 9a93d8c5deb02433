// The page of likelihood and adversary.

import { at, failed, plot, ready, runner, told } from "./draw.js";
import {
  adam,
  Discriminator,
  divergences,
  drawData,
  forwardGradient,
  generatorGradient,
  grid,
  logData,
  logModel,
  reverseGradient,
} from "./modes.js";
import { anySeed, normals, uniforms } from "./random.js";

const ROWS = 128;
const UNITS = 16;
// Updates of the discriminator for one of the model.
const LESSONS = 4;
const uniform = uniforms(anySeed());
const normal = normals(uniform);
const shown = grid.filter((x) => Math.abs(x) <= 5);
const rows = (draw) => Array.from({ length: ROWS }, draw);

const model = { mean: 0.5, logSd: 0 };
let updates, teacher, discriminator;

/** Steps down a gradient, none longer than it looks well. */
const descent = (gradient) => () =>
  gradient(model).map((one) => Math.min(Math.max(-0.05 * one, -0.03), 0.03));

function adversary() {
  discriminator = new Discriminator(UNITS, normal);
  const learn = adam(discriminator.weights.length, 0.02);
  const follow = adam(2, 0.01);
  const drawn = () => model.mean + Math.exp(model.logSd) * normal();
  return () => {
    for (let lesson = 0; lesson < LESSONS; lesson++) {
      const data = rows(() => drawData(uniform, normal));
      const step = learn(discriminator.gradient(data, rows(drawn)));
      step.forEach((one, i) => (discriminator.weights[i] += one));
    }
    return follow(generatorGradient(model, discriminator, rows(normal)));
  };
}

const TEACHERS = {
  forward: () => descent(forwardGradient),
  reverse: () => descent(reverseGradient),
  adversary,
};

function restart() {
  discriminator = null;
  teacher = TEACHERS[at("teacher").value]();
  updates = 0;
}

function update() {
  for (let i = 0; i < 2; i++) {
    const [mean, logSd] = teacher();
    model.mean += mean;
    model.logSd = Math.min(Math.max(model.logSd + logSd, -2), 1.5);
    updates++;
  }
  show();
}

function show() {
  const sd = Math.exp(model.logSd);
  at("mean").value = model.mean;
  at("sd").value = sd;
  at("mean-told").textContent = told(model.mean);
  at("sd-told").textContent = told(sd);
  const { forward, reverse } = divergences(model);
  at("told").textContent =
    `KL(data \u2225 model) ${told(forward, 3)} nats, ` +
    `KL(model \u2225 data) ${told(reverse, 3)} nats, after ${updates} updates`;
  const x = { from: -5, to: 5, ticks: [-4, -2, 0, 2, 4], label: "x" };
  const line = (f) => shown.map((one) => [one, f(one)]);
  plot(at("densities"), {
    x,
    y: { from: 0, to: 1, ticks: [0, 0.5, 1], label: "density" },
    parts: [
      { line: line((one) => Math.exp(logData(one))), kind: "exact" },
      {
        line: line((one) => Math.min(Math.exp(logModel(one, model)), 1)),
        kind: "strong",
      },
    ],
  });
  const best = (one) => 1 / (1 + Math.exp(logModel(one, model) - logData(one)));
  const parts = [
    { line: [[-5, 0.5], [5, 0.5]], kind: "quiet" },
    { line: line(best), kind: "dashed" },
  ];
  if (discriminator)
    parts.push({
      line: line((one) => discriminator.judge(one)),
      kind: "strong",
    });
  plot(at("judge"), {
    x,
    y: { from: 0, to: 1, ticks: [0, 0.5, 1], label: "D(x)" },
    parts,
  });
}

try {
  const began = performance.now();
  const learning = runner(at("run"), update);
  restart();
  show();
  for (const name of ["mean", "sd"])
    at(name).addEventListener("input", (event) => {
      const value = Number(event.target.value);
      if (name === "mean") model.mean = value;
      else model.logSd = Math.log(value);
      restart();
      show();
    });
  at("teacher").addEventListener("change", () => {
    restart();
    show();
    learning.start();
  });
  ready(performance.now() - began);
} catch (error) {
  failed(error);
}
