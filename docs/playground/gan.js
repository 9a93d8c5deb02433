// Generators as ONNX files, run by onnxruntime-web, which the site holds.

const RUNTIME = new URL("../assets/onnxruntime/", import.meta.url);

/** The bytes of a gzipped file, unpacked. */
async function unpacked(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} is not there`);
  const stream = answer.body.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

let runtime = null;

async function started() {
  const [ort, binary] = await Promise.all([
    import(new URL("ort.wasm.min.mjs", RUNTIME)),
    unpacked(new URL("ort-wasm-simd-threaded.wasm.gz", RUNTIME)),
  ]);
  ort.env.wasm.wasmBinary = binary.buffer;
  ort.env.wasm.wasmPaths = RUNTIME.href;
  // More would ask the server for special headers.
  ort.env.wasm.numThreads = 1;
  return ort;
}

/** A preset's generator, by its name. */
export async function load(name) {
  const file = new URL(`models/${name}.onnx.gz`, import.meta.url);
  runtime ??= started();
  const [ort, bytes] = await Promise.all([runtime, unpacked(file)]);
  return new Generator(ort, await ort.InferenceSession.create(bytes));
}

class Generator {
  constructor(ort, session) {
    this.ort = ort;
    this.session = session;
    const [{ shape }] = session.inputMetadata.filter(({ name }) => name === "z");
    this.latents = shape[1];
    this.hasClasses = session.inputNames.includes("labels");
  }

  /**
   * Images for latents, with labels if the model has classes.
   *
   * @param latents an array of arrays of numbers from N(0, 1).
   * @return an array of arrays of pixels, from -1 to 1, row by row.
   */
  async draw(latents, labels = null) {
    const { Tensor } = this.ort;
    const count = latents.length;
    const z = Float32Array.from(latents.flat());
    const inputs = { z: new Tensor("float32", z, [count, z.length / count]) };
    if (labels)
      inputs.labels = new Tensor("int32", Int32Array.from(labels), [count]);
    const { serve } = await this.session.run(inputs);
    const size = serve.data.length / count;
    return latents.map((_, i) => serve.data.slice(i * size, (i + 1) * size));
  }
}

const dot = (x, y) => x.reduce((sum, one, i) => sum + one * y[i], 0);

/** Where a latent lies along directions that are orthonormal, and the rest. */
export function parted(latent, directions) {
  const along = directions.map((one) => dot(one, latent));
  const rest = latent.map(
    (one, i) => one - dot(along, directions.map((direction) => direction[i])),
  );
  return { along, rest };
}

/** The latent of which `parted` tells the parts. */
export const joined = ({ along, rest }, directions) =>
  rest.map((one, i) => one + dot(along, directions.map((d) => d[i])));

/** From latent a (t = 0) to b (t = 1) on a great circle. */
export function greatCircle(a, b, t) {
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  const angle = Math.acos(Math.min(Math.max(cosine, -1), 1));
  if (angle < 1e-6) return a.map((one, i) => one + t * (b[i] - one));
  const [p, q] = [(1 - t) * angle, t * angle].map(
    (part) => Math.sin(part) / Math.sin(angle),
  );
  return a.map((one, i) => p * one + q * b[i]);
}
