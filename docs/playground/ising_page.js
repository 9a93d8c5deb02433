// The page of the Ising model.

import { at, between, failed, pictures, plot, ready, runner, told } from "./draw.js";
import {
  Average,
  CRITICAL,
  exactEnergy,
  exactMagnetisation,
  Lattice,
} from "./ising.js";
import { anySeed, uniforms } from "./random.js";

const SIDE = 64;
// Sweeps in a frame; of each temperature, the first are not measured.
const SWEEPS = 10;
const FORGOTTEN = 200;
const ENOUGH = 800;
const FROM = 1;
const TO = 4;

const uniform = uniforms(anySeed());
const lattice = new Lattice(SIDE);
const grid = between(FROM, TO, 181);
const exact = {
  energy: grid.map((t) => [t, exactEnergy(t)]),
  magnetisation: [...grid, CRITICAL - 1e-6, CRITICAL - 1e-3, CRITICAL]
    .sort((x, y) => x - y)
    .map((t) => [t, exactMagnetisation(t)]),
};
// What was measured, by temperature.
const found = new Map();
let temperature, energy, magnetisation, sweeps;

function heat(to) {
  temperature = to;
  at("temperature").value = to;
  const phase =
    Math.abs(to - CRITICAL) < 0.03
      ? "critical"
      : to < CRITICAL
        ? "ordered"
        : "disordered";
  at("temperature-told").textContent = `${told(to)}, ${phase}`;
  energy = new Average();
  magnetisation = new Average();
  sweeps = 0;
}

function step() {
  for (let i = 0; i < SWEEPS; i++) {
    lattice.sweep(temperature, 1, uniform);
    sweeps++;
    if (sweeps <= FORGOTTEN) continue;
    energy.add(lattice.energy());
    magnetisation.add(Math.abs(lattice.magnetisation()));
  }
  if (sweeps > FORGOTTEN + 64) found.set(told(temperature), [energy, magnetisation]);
  show();
}

function show() {
  pictures(at("lattice"), [lattice.spins], SIDE, 1);
  const measured = sweeps > FORGOTTEN + 64;
  const line = (name, average, truth) =>
    `${name} ` +
    (measured
      ? `${told(average.value, 4)} \u00b1 ${told(average.error, 4)}`
      : "not yet measured") +
    `, exact ${told(truth, 4)}`;
  at("energy-told").textContent = line(
    "Energy of a spin", energy, exactEnergy(temperature),
  );
  at("magnetisation-told").textContent = line(
    "|magnetisation|", magnetisation, exactMagnetisation(temperature),
  );
  at("sweeps-told").textContent =
    `${sweeps} sweeps at this temperature, the first ${FORGOTTEN} not measured`;
  curve("energy", 0, "energy of a spin", { from: -2.05, to: -0.4, ticks: [-2, -1.5, -1, -0.5] });
  curve("magnetisation", 1, "|magnetisation|", { from: 0, to: 1.05, ticks: [0, 0.5, 1] });
}

function curve(name, which, label, y) {
  const x = { from: FROM, to: TO, ticks: [1, 2, 3, 4], label: "temperature" };
  const points = [...found].map(([text, averages]) => [
    Number(text), averages[which].value, averages[which].error,
  ]);
  plot(at(`${name}-plot`), {
    x,
    y: { ...y, label },
    parts: [
      { at: temperature, kind: "quiet" },
      { line: exact[name], kind: "exact" },
      { points, kind: "strong" },
    ],
  });
}

function begin() {
  const began = performance.now();
  let tour = null;
  heat(CRITICAL);
  lattice.set(() => (uniform() < 0.5 ? 1 : -1));
  lattice.sweep(temperature, 30, uniform);
  show();
  const chain = runner(at("run"), () => {
    step();
    if (!tour || sweeps < ENOUGH) return;
    if (!tour.length) {
      tour = null;
      return false;
    }
    heat(tour.shift());
  });
  const go = (to) => {
    tour = null;
    heat(to);
    chain.start();
  };
  at("temperature").addEventListener("input", (event) =>
    go(Number(event.target.value)),
  );
  for (const button of document.querySelectorAll("[data-temperature]"))
    button.addEventListener("click", () =>
      go(Number(button.dataset.temperature) || CRITICAL),
    );
  at("up").addEventListener("click", () => {
    lattice.set(() => 1);
    heat(temperature);
    show();
  });
  at("random").addEventListener("click", () => {
    lattice.set(() => (uniform() < 0.5 ? 1 : -1));
    heat(temperature);
    show();
  });
  at("tour").addEventListener("click", () => {
    lattice.set(() => 1);
    tour = between(1.2, 3.9, 28).map((t) => Number(t.toFixed(1)));
    heat(tour.shift());
    chain.start();
  });
  ready(performance.now() - began);
}

try {
  begin();
} catch (error) {
  failed(error);
}
