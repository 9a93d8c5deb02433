// The page of the loaded die.

import { at, between, failed, plot, ready, told } from "./draw.js";
import { fit } from "./maxent.js";

const FACES = [1, 2, 3, 4, 5, 6];
const means = between(1.01, 5.99, 167);
const curves = means.map((mean) => fit(FACES, mean));

function show(mean) {
  const found = fit(FACES, mean);
  at("mean").value = mean;
  at("mean-told").textContent = told(mean);
  const ratio = Math.exp(found.multiplier);
  at("multiplier-told").textContent =
    `Multiplier ${told(found.multiplier, 4)}: each face is ${told(ratio, 3)} ` +
    `times as probable as the one before; Newton's method took ` +
    `${found.steps} steps`;
  at("entropy-told").textContent =
    `Entropy ${told(found.entropy, 4)} nats; the mean tells ` +
    `${told(Math.log(6) - found.entropy, 4)} nats of log 6 = 1.7918`;
  const x = { from: 0.5, to: 6.5, ticks: FACES };
  plot(at("die"), {
    x: { ...x, label: "face, and the mean" },
    y: { from: 0, to: 1, ticks: [0, 0.5, 1], label: "probability" },
    parts: [
      { bars: found.p.map((p, i) => [i + 1, p]), kind: "bar" },
      { at: mean, kind: "strong" },
    ],
  });
  const curve = (name, y, of) =>
    plot(at(name), {
      x: { ...x, label: "mean" },
      y,
      parts: [
        { line: curves.map((one, i) => [means[i], of(one)]), kind: "exact" },
        { points: [[mean, of(found)]], kind: "strong" },
      ],
    });
  curve(
    "entropy",
    { from: 0, to: 1.9, ticks: [0, 0.5, 1, 1.5], label: "entropy [nats]" },
    (one) => one.entropy,
  );
  curve(
    "multiplier",
    { from: -4.9, to: 4.9, ticks: [-4, -2, 0, 2, 4], label: "multiplier" },
    (one) => one.multiplier,
  );
}

/** The mean is dragged in the picture, too. */
function dragging(svg) {
  const move = ({ clientX }) => {
    const { left, width } = svg.getBoundingClientRect();
    // The axis lies between 46 and 352 of the picture's 360.
    const along = (((clientX - left) / width) * 360 - 46) / 306;
    show(Math.min(Math.max(0.5 + 6 * along, 1.01), 5.99));
  };
  svg.addEventListener("pointerdown", (event) => {
    svg.setPointerCapture(event.pointerId);
    move(event);
  });
  svg.addEventListener("pointermove", (event) => {
    if (svg.hasPointerCapture(event.pointerId)) move(event);
  });
}

try {
  const began = performance.now();
  show(4.5);
  dragging(at("die"));
  at("mean").addEventListener("input", (event) =>
    show(Number(event.target.value)),
  );
  for (const button of document.querySelectorAll("[data-mean]"))
    button.addEventListener("click", () => show(Number(button.dataset.mean)));
  ready(performance.now() - began);
} catch (error) {
  failed(error);
}
