// Records the reference outputs of the zoo's NanoDet-g: TensorFlow.js itself runs the graph model, so nothing of the
// converter under test takes part. Needs Node and, beside this file or in NODE_PATH's place of installation:
//   npm install @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-converter@4.22.0 @tensorflow/tfjs-backend-cpu@4.22.0
// Usage: node record_reference.mjs <folder of the package's models> <output.json>
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { readFileSync, writeFileSync } from 'node:fs';

const SIDE = 416;
const MEAN_BGR = [103.53, 116.28, 123.675];
const STD_BGR = [57.375, 57.12, 58.395];
const NODES = ['transpose_99', 'transpose_105', 'transpose_111'].map((name) => `PartitionedCall/${name}`);
const SAMPLES = 400;

// The same integer picture as eyespot.infer.zoo.reference.test_picture: (y, x, channel RGB) -> 0..255.
const pixel = (y, x, c) => (((x * x * 3 + y * y * 5 + x * y * (c + 1)) >> 9) + (x ^ y) * (c + 2)) & 255;

function input() {
  const values = new Float32Array(3 * SIDE * SIDE);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < SIDE; y++)
      for (let x = 0; x < SIDE; x++)
        values[(c * SIDE + y) * SIDE + x] = (pixel(y, x, 2 - c) - MEAN_BGR[c]) / STD_BGR[c];
  return tf.tensor(values, [1, 3, SIDE, SIDE]);
}

function handler(folder) {
  const graph = JSON.parse(readFileSync(`${folder}/nanodet.json`));
  const weights = readFileSync(`${folder}/nanodet.bin`);
  return {
    load: async () => ({
      modelTopology: graph.modelTopology,
      weightSpecs: graph.weightsManifest.flatMap((part) => part.weights),
      weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength),
      signature: graph.signature,
      format: graph.format,
    }),
  };
}

function summary(tensor) {
  const [, channels, height, width] = tensor.shape;
  const values = tensor.dataSync();
  const cells = height * width;
  const means = [];
  for (let c = 0; c < channels; c++) {
    let sum = 0;
    for (let i = 0; i < cells; i++) sum += values[c * cells + i];
    means.push(Number((sum / cells).toPrecision(7)));
  }
  const samples = [];
  for (let k = 0; k < SAMPLES; k++) {
    const flat = (k * 7919 + 13) % values.length;
    samples.push([flat, Number(values[flat].toPrecision(7))]);
  }
  return { channels, height, width, channel_means: means, samples };
}

const model = await loadGraphModel(handler(process.argv[2]));
const outputs = model.execute({ 'input_1:0': input() }, NODES);
writeFileSync(process.argv[3], JSON.stringify({
  made_with: `@tensorflow/tfjs-core ${tf.version_core}, CPU backend`,
  nodes: NODES,
  levels: outputs.map(summary),
}));
