// The page of the restricted Boltzmann machine.

import { at, failed, pictures, ready, runner, told } from "./draw.js";
import { anySeed, uniforms } from "./random.js";
import { load } from "./rbm.js";

const CHAINS = 24;
const SWEEPS = 100;
const SIDE = 8;
const uniform = uniforms(anySeed());

async function begin() {
  const began = performance.now();
  const { rbm, examples } = await load("rbm_digits_8x8");
  drawing(rbm);
  ready(performance.now() - began);
  completing(rbm, examples);
}

/** Chains from noise, a sample of each. */
function drawing(rbm) {
  let states;
  const show = (found) =>
    pictures(at("drawn"), found.map(({ means }) => means), SIDE, SIDE);
  const draw = () => {
    const began = performance.now();
    const found = Array.from({ length: CHAINS }, () =>
      rbm.sweep(rbm.start(uniform), SWEEPS, uniform),
    );
    states = found.map(({ v }) => v);
    show(found);
    at("drawn-told").textContent =
      `${CHAINS} digits, each from noise by ${SWEEPS} sweeps, in ` +
      `${Math.round(performance.now() - began)} ms`;
  };
  const chains = runner(at("run"), () => {
    const found = states.map((v) => rbm.sweep(v, 1, uniform));
    states = found.map(({ v }) => v);
    show(found);
    at("drawn-told").textContent = "One sweep a frame";
  });
  at("draw").addEventListener("click", () => {
    chains.stop();
    draw();
  });
  draw();
}

const HALVES = {
  upper: (i) => i < 32,
  lower: (i) => i >= 32,
  left: (i) => i % SIDE < 4,
  right: (i) => i % SIDE >= 4,
  all: () => true,
};

/** A digit to paint, of which half is known, and ways to complete it. */
function completing(rbm, examples) {
  let next = 0;
  let painted = bits(examples[0]);
  const cells = painted.map((_, i) => cell(i));

  const isKnown = () => painted.map((_, i) => HALVES[at("known").value](i));

  function update() {
    const known = isKnown();
    cells.forEach((one, i) => {
      one.setAttribute("aria-pressed", painted[i] === 1);
      one.classList.toggle("unknown", !known[i]);
    });
    const start = painted.map((bit, i) => (known[i] ? bit : 0));
    const ways = Array.from({ length: 12 }, () =>
      rbm.sweep(start, SWEEPS, uniform, known),
    );
    const shown = ways.map(({ means }) =>
      means.map((mean, i) => (known[i] ? painted[i] : mean)),
    );
    pictures(at("completed"), shown, SIDE, 4);
    const first = ways[0].v;
    at("log-prob").textContent =
      `log p of what is painted: ${told(rbm.logProb(painted), 1)} nats; of ` +
      `the first completion: ${told(rbm.logProb(first), 1)} nats`;
    fire(rbm, first);
  }

  function set(i, bit) {
    if (painted[i] === bit) return;
    painted[i] = bit;
    update();
  }

  function cell(i) {
    const one = document.createElement("button");
    const place = `row ${Math.floor(i / SIDE) + 1}, column ${(i % SIDE) + 1}`;
    one.setAttribute("aria-label", place);
    one.tabIndex = i === 0 ? 0 : -1;
    one.dataset.index = i;
    at("painted").append(one);
    return one;
  }

  // By finger or mouse; `ink` is what the stroke leaves.
  let ink = null;
  const under = ({ clientX, clientY }) =>
    document.elementFromPoint(clientX, clientY)?.dataset.index;
  at("painted").addEventListener("pointerdown", (event) => {
    const i = under(event);
    if (i === undefined) return;
    ink = 1 - painted[i];
    set(+i, ink);
  });
  at("painted").addEventListener("pointermove", (event) => {
    const i = under(event);
    if (ink !== null && i !== undefined) set(+i, ink);
  });
  addEventListener("pointerup", () => (ink = null));
  addEventListener("pointercancel", () => (ink = null));

  // By keys: arrows move, space and enter paint.
  const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -SIDE, ArrowDown: SIDE };
  at("painted").addEventListener("keydown", (event) => {
    const i = +event.target.dataset.index;
    const to = cells[i + moves[event.key]];
    if (event.key === " " || event.key === "Enter") set(i, 1 - painted[i]);
    else if (!to) return;
    event.preventDefault();
    if (to) {
      event.target.tabIndex = -1;
      to.tabIndex = 0;
      to.focus();
    }
  });

  at("known").addEventListener("change", update);
  at("again").addEventListener("click", update);
  at("example").addEventListener("click", () => {
    next = (next + 1) % examples.length;
    painted = bits(examples[next]);
    update();
  });
  at("clear").addEventListener("click", () => {
    painted = painted.map(() => 0);
    update();
  });
  update();
}

const bits = (text) => Array.from(text, Number);

/** The weights of each hidden unit, and how probably it is 1. */
function fire(rbm, v) {
  const means = rbm.hiddenMeans(v);
  const count = means.length;
  if (!at("hidden").childElementCount)
    for (let j = 0; j < count; j++) {
      const unit = document.createElement("figure");
      unit.innerHTML = `<canvas class="ink"></canvas><figcaption></figcaption>`;
      at("hidden").append(unit);
      const weights = v.map((_, i) => 0.5 + rbm.kernel[i * count + j] / 6);
      pictures(unit.firstChild, [Array.from(weights)], SIDE, 1);
    }
  means.forEach((mean, j) => {
    const unit = at("hidden").children[j];
    unit.lastChild.textContent = told(mean);
    unit.classList.toggle("fires", mean > 0.5);
  });
}

begin().catch(failed);
