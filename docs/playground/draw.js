// Pictures and plots of the pages, and what they say to the page's test.

/** An element of the page by its id. */
export const at = (id) => document.getElementById(id);

/** A number with so many decimals, its minus sign as long as a plus. */
export const told = (number, decimals = 2) =>
  number.toFixed(decimals).replace("-", "\u2212");

/**
 * Grey images side by side, 0 is paper and 1 is ink.
 *
 * @param images arrays of width x height numbers, row by row.
 */
export function pictures(canvas, images, width, columns, gap = 1) {
  const height = images[0].length / width;
  const rows = Math.ceil(images.length / columns);
  canvas.width = columns * (width + gap) - gap;
  canvas.height = rows * (height + gap) - gap;
  const context = canvas.getContext("2d");
  const shown = context.createImageData(canvas.width, canvas.height);
  images.forEach((image, n) => {
    const left = (n % columns) * (width + gap);
    const top = Math.floor(n / columns) * (height + gap);
    image.forEach((ink, i) => {
      const x = left + (i % width);
      const y = top + Math.floor(i / width);
      const grey = 255 * (1 - Math.min(Math.max(ink, 0), 1));
      shown.data.set([grey, grey, grey, 255], 4 * (y * canvas.width + x));
    });
  });
  context.putImageData(shown, 0, 0);
}

const SIZE = { width: 360, height: 210, left: 46, right: 8, top: 8, bottom: 34 };

/**
 * A plot in an <svg>, in the colours of the page.
 *
 * @param x,y { from, to, ticks, label } of the axes.
 * @param parts what is drawn: { line: [[x, y], ...] }, { points: [[x, y,
 *   error], ...] }, { bars: [[x, y], ...] } or { at: x }, each with a `kind`,
 *   its class in the style sheet.
 */
export function plot(svg, { x, y, parts }) {
  const { width, height, left, right, top, bottom } = SIZE;
  const across = (v) =>
    left + ((v - x.from) / (x.to - x.from)) * (width - left - right);
  const up = (v) =>
    height - bottom - ((v - y.from) / (y.to - y.from)) * (height - top - bottom);
  const place = ([a, b]) => `${across(a).toFixed(1)},${up(b).toFixed(1)}`;
  const frame = [
    `<path class="axis" d="M${left},${top}V${height - bottom}H${width - right}"/>`,
    ...x.ticks.map(
      (v) =>
        `<text x="${across(v)}" y="${height - bottom + 13}" ` +
        `text-anchor="middle">${`${v}`.replace("-", "\u2212")}</text>`,
    ),
    ...y.ticks.map(
      (v) =>
        `<text x="${left - 5}" y="${up(v) + 4}" ` +
        `text-anchor="end">${`${v}`.replace("-", "\u2212")}</text>`,
    ),
    `<text x="${(left + width - right) / 2}" y="${height - 4}" ` +
      `text-anchor="middle">${x.label}</text>`,
    `<text transform="translate(10,${(top + height - bottom) / 2}) ` +
      `rotate(-90)" text-anchor="middle">${y.label}</text>`,
  ];
  const drawn = parts.map((part) => {
    if (part.line)
      return `<polyline class="${part.kind}" points="${part.line.map(place).join(" ")}"/>`;
    if (part.at !== undefined)
      return `<path class="${part.kind}" d="M${across(part.at)},${top}V${height - bottom}"/>`;
    if (part.bars)
      return part.bars
        .map(([a, b]) => {
          const side = across(a + 0.35) - across(a - 0.35);
          const tall = Math.max(up(y.from) - up(b), 0);
          return (
            `<rect class="${part.kind}" x="${across(a - 0.35)}" y="${up(b)}" ` +
            `width="${side}" height="${tall}"/>`
          );
        })
        .join("");
    return part.points
      .map(([a, b, error = 0]) => {
        const [px, py] = [across(a).toFixed(1), up(b).toFixed(1)];
        return (
          `<path class="${part.kind}" d="M${px},${up(b - error)}V${up(b + error)}"/>` +
          `<circle class="${part.kind}" cx="${px}" cy="${py}" r="3"/>`
        );
      })
      .join("");
  });
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.innerHTML = frame.join("") + drawn.join("");
}

/** So many numbers from one to another, both of them included. */
export const between = (from, to, count) =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));

/** A button that lets something run, frame by frame, and stops it. */
export function runner(button, step) {
  const names = [button.textContent, "Pause"];
  let running = false;
  const frame = () => {
    if (!running) return;
    if (step() === false) stop();
    else requestAnimationFrame(frame);
  };
  const set = (on) => {
    running = on;
    button.textContent = names[+on];
    button.setAttribute("aria-pressed", on);
    if (on) requestAnimationFrame(frame);
  };
  const stop = () => set(false);
  button.addEventListener("click", () => set(!running));
  return { start: () => running || set(true), stop };
}

/** Tells the page's test that samples are there, and after how long. */
export function ready(milliseconds) {
  document.body.dataset.since = performance.now().toFixed(0);
  document.body.dataset.ready = milliseconds.toFixed(0);
}

/** Says in the page what went wrong, and throws it again. */
export function failed(error) {
  for (const place of document.querySelectorAll(".play output"))
    place.textContent = `This does not work here: ${error.message}`;
  throw error;
}
