// The engine: what it takes to train a small convolutional network, from the window that moves to Adam.
//
// Run in a worker, or a slice at a time on the page. Its functions are all that a worker gets (`workerSource`), so they
// share nothing but each other. tests/golden/engine.json holds every number of it to torch.
//
// All that is stored is float32; sums are float64, in an order that is fixed; beside the four operations there is the
// square root, which IEEE 754 rounds as exactly, and nothing else: one seed gives the same digits on every machine.

import { randomStream } from "./common.mjs";

/** Shuffles in place, as Fisher and Yates do. */
export function shuffle(list, random) {
  for (let last = list.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [list[last], list[other]] = [list[other], list[last]];
  }
  return list;
}

/** e to a power, by exact operations alone: a series near zero, then doubled or halved. */
export function exponential(power) {
  const doublings = Math.floor(power / 0.6931471805599453 + 0.5);
  const rest = power - doublings * 0.6931471803691238 - doublings * 1.9082149292705877e-10;
  let sum = 1;
  for (let term = 14; term > 0; term--) sum = 1 + (sum * rest) / term;
  for (let count = 0; count < Math.abs(doublings); count++) sum *= doublings > 0 ? 2 : 0.5;
  return sum;
}

/** The natural logarithm, as the power that gives the number: Halley's steps, each of three times the digits. */
export function logarithm(number) {
  let power = 0;
  for (let step = 0; step < 8; step++) {
    const reached = exponential(power);
    power += (2 * (number - reached)) / (number + reached);
  }
  return power;
}

// Layers. Each has the `maps` that it makes, one after the other, and takes gradients of them in `slopes`.

/** What every layer has: the shape and the numbers of its output, and what is learned, with gradients and Adam's means. */
function layerOf(kind, [channels, height, width], learned = {}, room = new Float32Array(channels * height * width)) {
  const size = channels * height * width;
  const parameters = Object.values(learned).map((values) => ({
    values, gradient: new Float64Array(values.length),
    mean: new Float32Array(values.length), square: new Float32Array(values.length),
  }));
  const [maps, slopes] = [room.subarray(0, size), new Float32Array(size)];
  return { kind, shape: [channels, height, width], maps, slopes, ...learned, parameters };
}

/** Where the windows of a convolution begin in its padded input, and how far from there each of its taps is. */
function windows([channels, height, width], { kernel_size, stride, pads: [[top, bottom], [left, right]], dilation = 1 }) {
  const [tall, wide] = [height + top + bottom, width + left + right];
  const reach = dilation * (kernel_size - 1) + 1;
  const [rows, columns] = [tall, wide].map((size) => Math.floor((size - reach) / stride) + 1);
  const starts = new Int32Array(rows * columns);
  for (let place = 0; place < starts.length; place++) {
    starts[place] = Math.floor(place / columns) * stride * wide + (place % columns) * stride;
  }
  const taps = new Int32Array(channels * kernel_size ** 2);
  for (let tap = 0; tap < taps.length; tap++) {
    const [channel, cell] = [Math.floor(tap / kernel_size ** 2), tap % kernel_size ** 2];
    const [row, column] = [Math.floor(cell / kernel_size), cell % kernel_size];
    taps[tap] = (channel * tall + row * dilation) * wide + column * dilation;
  }
  return { starts, taps, rows, columns, tall, wide, top, left };
}

/** A convolution: weights (filters, channels, rows, columns) in one list, as torch's, and a bias for each filter. */
function convolutionLayer(input, { filters, ...setting }) {
  const where = windows(input, setting);
  const [places, reach, fours] = [where.starts.length, where.taps.length, 4 * Math.ceil(filters / 4)];
  const learned = { weight: new Float32Array(filters * reach), bias: new Float32Array(filters) };
  const sums = new Float32Array(fours * places); // filters are summed in fours
  const room = Math.max(places, filters) + 3;
  const layer = layerOf("convolution", [filters, where.rows, where.columns], learned, sums);
  return {
    ...layer, ...where, input, sums, packed: new Float32Array(fours * reach), patches: new Float32Array(places * reach),
    padded: new Float32Array(input[0] * where.tall * where.wide),
    padSlopes: new Float32Array(input[0] * where.tall * where.wide), patchSlopes: new Float64Array(reach),
    listed: { shares: new Float64Array(room), rows: new Int32Array(room) },
  };
}

/** The input inside its padding, and from there the pixels under each window, one window after the other. */
function unfold({ padded, patches, starts, taps, input: [channels, height, width], tall, wide, top, left }, image) {
  for (let line = 0; line < channels * height; line++) {
    const to = (Math.floor(line / height) * tall + (line % height) + top) * wide + left;
    for (let column = 0, from = line * width; column < width; column++) padded[to + column] = image[from + column];
  }
  for (let place = 0, at = 0; place < starts.length; place++) {
    const start = starts[place];
    for (let tap = 0; tap < taps.length; tap++, at++) patches[at] = padded[start + taps[tap]];
  }
}

/** The weights in the order in which `convolve` reads them: four filters side by side, tap after tap. */
function pack({ packed, weight, taps: { length: reach } }) {
  for (let filter = 0, from = 0; from < weight.length; filter++) {
    const beside = filter % 4;
    for (let to = (filter - beside) * reach + beside, end = from + reach; from < end; from++, to += 4) packed[to] = weight[from];
  }
}

/** The weighted sum under each window, for each filter: two windows and four filters at a time, eight sums in registers. */
function convolve(layer, image) {
  unfold(layer, image);
  pack(layer);
  const { sums, packed, patches, bias } = layer;
  const [places, reach, filters] = [layer.starts.length, layer.taps.length, bias.length];
  for (let filter = 0; filter < filters; filter += 4) {
    const i = bias[filter], j = filter + 1 < filters ? bias[filter + 1] : 0;
    const k = filter + 2 < filters ? bias[filter + 2] : 0, l = filter + 3 < filters ? bias[filter + 3] : 0;
    for (let place = 0; place < places; place += 2) {
      const next = place + 1 < places ? reach : 0; // an odd last window is summed twice
      let a = i, b = j, c = k, d = l, e = i, f = j, g = k, h = l;
      for (let at = place * reach, end = at + reach, from = filter * reach; at < end; at++, from += 4) {
        const p = patches[at], q = patches[at + next];
        const w = packed[from], x = packed[from + 1], y = packed[from + 2], z = packed[from + 3];
        a += p * w; b += p * x; c += p * y; d += p * z;
        e += q * w; f += q * x; g += q * y; h += q * z;
      }
      const to = filter * places + place, beside = next && 1;
      sums[to + beside] = e; sums[to + places + beside] = f;
      sums[to + 2 * places + beside] = g; sums[to + 3 * places + beside] = h;
      sums[to] = a; sums[to + places] = b; sums[to + 2 * places] = c; sums[to + 3 * places] = d;
    }
  }
}

/** The slopes of weights, biases and input. After ReLU and pooling most slopes are zero, and only the others are listed. */
function convolveBack(layer, inputSlopes) {
  const { slopes, weight, patches, patchSlopes, padSlopes, starts, taps, listed } = layer;
  const [{ gradient: weightGradient }, { gradient: biasGradient }] = layer.parameters;
  const [places, reach, filters] = [starts.length, taps.length, biasGradient.length];
  for (let filter = 0; filter < filters; filter++) {
    const count = list(listed, slopes, filter * places, 1, places, reach);
    for (let at = 0; at < count; at++) biasGradient[filter] += listed.shares[at];
    addRows(weightGradient, filter * reach, reach, patches, listed, count);
  }
  if (!inputSlopes) return;
  padSlopes.fill(0);
  for (let place = 0; place < places; place++) {
    const count = list(listed, slopes, place, places, filters, reach);
    if (!count) continue;
    addRows(patchSlopes.fill(0), 0, reach, weight, listed, count);
    for (let tap = 0; tap < reach; tap++) padSlopes[starts[place] + taps[tap]] += patchSlopes[tap];
  }
  cropSlopes(layer, inputSlopes);
}

/** Lists which of some slopes are not zero, and where the row that belongs to each begins; returns how many they are. */
function list({ shares, rows }, slopes, from, step, most, reach) {
  let count = 0;
  for (let each = 0, at = from; each < most; each++, at += step) {
    if (slopes[at] === 0) continue;
    shares[count] = slopes[at];
    rows[count++] = each * reach;
  }
  return count;
}

/** Adds the listed rows of a table to a row, each times its share: four at a time, so that a sum is stored less often. */
function addRows(target, to, reach, table, { shares, rows }, count) {
  for (let more = count; more % 4; more++) shares[more] = rows[more] = 0; // a row that adds nothing
  for (let at = 0; at < count; at += 4) {
    const a = shares[at], b = shares[at + 1], c = shares[at + 2], d = shares[at + 3];
    let i = rows[at], j = rows[at + 1], k = rows[at + 2], l = rows[at + 3];
    for (let cell = to, end = to + reach; cell < end; cell++) {
      target[cell] += a * table[i++] + b * table[j++] + c * table[k++] + d * table[l++];
    }
  }
}

/** The slopes of the input, out of those of the padded one. */
function cropSlopes({ padSlopes, input: [channels, height, width], tall, wide, top, left }, inputSlopes) {
  for (let line = 0; line < channels * height; line++) {
    const from = (Math.floor(line / height) * tall + (line % height) + top) * wide + left;
    for (let column = 0, to = line * width; column < width; column++) inputSlopes[to + column] = padSlopes[from + column];
  }
}

/** ReLU, in place of what it is given: what is negative becomes zero, and has no slope. */
function rectify(maps) {
  for (let at = 0; at < maps.length; at++) if (maps[at] < 0) maps[at] = 0;
}

function rectifyBack(maps, slopes) {
  for (let at = 0; at < maps.length; at++) if (maps[at] <= 0) slopes[at] = 0;
}

/** The largest of each 2 by 2; an odd last row or column is in none. */
function poolingLayer([channels, height, width]) {
  const layer = layerOf("pooling", [channels, Math.floor(height / 2), Math.floor(width / 2)]);
  return { ...layer, input: [channels, height, width], chosen: new Int32Array(layer.maps.length) };
}

function pool({ maps, chosen, input: [, height, width], shape: [channels, rows, columns] }, input) {
  for (let line = 0, at = 0; line < channels * rows; line++) {
    let corner = (Math.floor(line / rows) * height + 2 * (line % rows)) * width;
    for (let column = 0; column < columns; column++, at++, corner += 2) {
      let best = corner; // the first of several, as torch
      if (input[corner + 1] > input[best]) best = corner + 1;
      if (input[corner + width] > input[best]) best = corner + width;
      if (input[corner + width + 1] > input[best]) best = corner + width + 1;
      chosen[at] = best;
      maps[at] = input[best];
    }
  }
}

function poolBack({ slopes, chosen }, inputSlopes) {
  inputSlopes.fill(0);
  for (let at = 0; at < chosen.length; at++) inputSlopes[chosen[at]] = slopes[at];
}

/** A sum of all inputs for each class, with weights (classes, inputs). */
function denseLayer(inputs, classes) {
  const learned = { weight: new Float32Array(classes * inputs), bias: new Float32Array(classes) };
  return { ...layerOf("dense", [classes, 1, 1], learned), sums: new Float64Array(inputs) };
}

function weigh({ maps, weight, bias }, input) {
  for (let made = 0, at = 0; made < maps.length; made++) {
    let sum = bias[made];
    for (let place = 0; place < input.length; place++, at++) sum += weight[at] * input[place];
    maps[made] = sum;
  }
}

function weighBack({ slopes, weight, sums, parameters: [{ gradient: weightGradient }, { gradient: biasGradient }] }, input, inputSlopes) {
  sums.fill(0);
  for (let made = 0, row = 0; made < slopes.length; made++, row += input.length) {
    const slope = slopes[made];
    biasGradient[made] += slope;
    for (let place = 0; place < input.length; place++) {
      weightGradient[row + place] += slope * input[place];
      sums[place] += slope * weight[row + place];
    }
  }
  inputSlopes.set(sums);
}

// Networks

/** Layers in their order, from a list of settings, over images of `shape`: convolutions, poolings, a dense one at the end. */
export function networkOf(shape, settings) {
  const layers = [];
  let before = shape;
  for (const { kind, ...setting } of settings) {
    if (kind === "convolution") layers.push(convolutionLayer(before, setting));
    else if (kind === "pooling") layers.push(poolingLayer(before));
    else layers.push(denseLayer(before[0] * before[1] * before[2], setting.classes));
    layers.at(-1).relu = Boolean(setting.relu);
    before = layers.at(-1).shape;
  }
  const imageSlopes = new Float32Array(shape[0] * shape[1] * shape[2]);
  return { layers, parameters: layers.flatMap(({ parameters }) => parameters), imageSlopes, decays: [1, 1] };
}

/** Weights as Glorot and Keras draw them, biases of zero; layers alike in two networks begin alike. */
export function initialize({ layers }, seed) {
  layers.filter(({ weight }) => weight).forEach(({ weight, bias, input, shape: [made] }, number) => {
    const inputs = weight.length / made;
    const outputs = input ? weight.length / input[0] : made; // a convolution spreads each pixel over its taps
    const bound = Math.sqrt(6 / (inputs + outputs));
    const random = randomStream(seed, number + 2);
    for (let at = 0; at < weight.length; at++) weight[at] = (2 * random() - 1) * bound;
    bias.fill(0);
  });
}

/** What the network makes of an image: its last maps, one number a class. */
export function forward({ layers }, image) {
  let input = image;
  for (const layer of layers) {
    if (layer.kind === "convolution") convolve(layer, input);
    else if (layer.kind === "pooling") pool(layer, input);
    else weigh(layer, input);
    if (layer.relu) rectify(layer.maps);
    input = layer.maps;
  }
  return input;
}

/** The share of each class: e to its number, over the sum of all. */
export function softmax(scores) {
  const most = Math.max(...scores);
  const powers = Array.from(scores, (score) => exponential(score - most));
  const sum = powers.reduce((before, power) => before + power, 0);
  return powers.map((power) => power / sum);
}

/** The cross-entropy of an answer, in nats. */
export function crossEntropy(scores, label) {
  const most = Math.max(...scores);
  return logarithm(scores.reduce((sum, score) => sum + exponential(score - most), 0)) + most - scores[label];
}

/** Adds the gradient of what the last layer is said to slope like; that of the image only where it is asked for. */
export function backward({ layers, imageSlopes }, image, ofImage = false) {
  for (let number = layers.length - 1; number >= 0; number--) {
    const layer = layers[number];
    const input = number ? layers[number - 1].maps : image;
    const slopes = number ? layers[number - 1].slopes : ofImage ? imageSlopes : null;
    if (layer.relu) rectifyBack(layer.maps, layer.slopes);
    if (layer.kind === "convolution") convolveBack(layer, slopes);
    else if (layer.kind === "pooling") poolBack(layer, slopes);
    else weighBack(layer, input, slopes);
  }
}

/** The class of the largest number, the first of several. */
function answerOf(scores) {
  let best = 0;
  for (let place = 1; place < scores.length; place++) if (scores[place] > scores[best]) best = place;
  return best;
}

/** Learns from one image: adds its gradient of the cross-entropy; returns loss, and whether the answer was right. */
export function learn(network, image, label) {
  const scores = forward(network, image);
  const { slopes } = network.layers.at(-1);
  softmax(scores).forEach((share, place) => (slopes[place] = share - (place === label)));
  backward(network, image);
  return [crossEntropy(scores, label), answerOf(scores) === label];
}

/** One step of Adam along the mean gradient of so many images, which is then forgotten. */
export function adam(network, images, { rate, first = 0.9, second = 0.999, epsilon = 1e-7 }) {
  const decays = network.decays;
  decays[0] *= first;
  decays[1] *= second;
  const [size, root] = [rate / (1 - decays[0]), Math.sqrt(1 - decays[1])];
  for (const { values, gradient, mean, square } of network.parameters) {
    for (let at = 0; at < values.length; at++) {
      const slope = gradient[at] / images;
      mean[at] += (1 - first) * (slope - mean[at]);
      square[at] = second * square[at] + (1 - second) * slope * slope;
      values[at] -= (size * mean[at]) / (Math.sqrt(square[at]) / root + epsilon);
      gradient[at] = 0;
    }
  }
}

// A session: several networks that learn from the same images in the same order, a batch each in turn

/** What a network says of an image, what its first layer makes of it, and how the class it answers depends on each pixel. */
function look(network, image) {
  const scores = forward(network, image);
  const [first] = network.layers;
  const [maps, weights, shares] = [first.maps.slice(), first.weight.slice(), softmax(scores)];
  const kept = network.parameters.map(({ gradient }) => gradient.slice());
  network.layers.at(-1).slopes.fill(0)[answerOf(scores)] = 1;
  backward(network, image, true);
  network.parameters.forEach(({ gradient }, place) => gradient.set(kept[place])); // looking teaches nothing
  return { shares, maps, shape: first.shape, weights, slopes: network.imageSlopes.slice() };
}

/** All that a network has learned, layer by layer, weights before biases. */
export function learnedBy({ parameters }) {
  const all = new Float32Array(parameters.reduce((sum, { values }) => sum + values.length, 0));
  let to = 0;
  for (const { values } of parameters) {
    all.set(values, to);
    to += values.length;
  }
  return all;
}

/** Tests each network on all test images, and posts one point of each curve; rests after each image. */
function* test(session, post) {
  const { runs, tests, size } = session;
  for (const run of runs) {
    run.confusion = new Int32Array(run.classes ** 2);
    let right = 0;
    for (let each = 0; each < tests.labels.length; each++) {
      const answer = answerOf(forward(run.network, tests.images.subarray(each * size, (each + 1) * size)));
      run.confusion[tests.labels[each] * run.classes + answer]++;
      right += answer === tests.labels[each];
      yield;
    }
    run.accuracy = right / tests.labels.length;
  }
  post({
    kind: "point", seen: session.seen,
    points: runs.map(({ accuracy, loss, count, seconds, confusion }) => ({ accuracy, loss: count ? loss / count : null, seconds, confusion })),
  });
  for (const run of runs) run.loss = run.count = 0;
}

/** Trains until as many images were seen as the session says, a batch of each network at a time; rests after each image. */
function* train(session, post, now) {
  const { runs, images, labels, size, batch, every, order, random, settings } = session;
  if (!session.seen && !session.tested) yield* test(session, post);
  session.tested = true;
  while (session.seen < session.until) {
    const from = session.seen % order.length;
    if (!from) shuffle(order, random);
    const chosen = order.subarray(from, Math.min(from + batch, order.length));
    for (const run of runs) {
      for (const each of chosen) {
        const began = now();
        const [loss] = learn(run.network, images.subarray(each * size, (each + 1) * size), labels[each]);
        run.loss += loss;
        run.count++;
        run.seconds += (now() - began) / 1000;
        yield;
      }
      const began = now();
      adam(run.network, chosen.length, settings);
      run.seconds += (now() - began) / 1000;
    }
    const before = session.seen;
    session.seen += chosen.length;
    if (Math.floor(session.seen / every) > Math.floor(before / every)) yield* test(session, post);
  }
  post({ kind: "rest", seen: session.seen });
}

/** Networks as they begin, and the images, from 0 to 1. */
function sessionOf({ networks, shape, images, labels, tests, seed, batch, every, rate }) {
  const unit = (bytes) => Float32Array.from(bytes, (byte) => byte / 255);
  const runs = networks.map((layers) => {
    const network = networkOf(shape, layers);
    initialize(network, seed);
    return { network, classes: layers.at(-1).classes, loss: 0, count: 0, seconds: 0, accuracy: 0, confusion: null };
  });
  return {
    runs, images: unit(images), labels, tests: { images: unit(tests.images), labels: tests.labels },
    size: shape[0] * shape[1] * shape[2], batch, every, settings: { rate }, seen: 0, until: 0, tested: false,
    order: Int32Array.from(labels, (_, place) => place), random: randomStream(seed, 1),
  };
}

/** Takes messages, and works on them for some milliseconds at a time; says whether anything is left to do. */
export function openDesk(post, now) {
  let session = null;
  let work = null;
  const acts = {
    begin(message) {
      work = null;
      session = sessionOf(message);
      post({ kind: "begun", weights: session.runs.map(({ network }) => learnedBy(network)) });
    },
    train({ until }) {
      session.until = until;
      work ??= train(session, post, now);
    },
    step() {
      acts.train({ until: session.seen + 1 }); // the batch that is begun, or the next one
    },
    pause() {},
    look({ image, mark }) {
      post({ kind: "look", mark, views: session.runs.map(({ network }) => look(network, image)) });
    },
    weights() {
      post({ kind: "weights", weights: session.runs.map(({ network }) => learnedBy(network)) });
    },
  };
  let isPaused = false;
  return {
    take(message) {
      if (["pause", "train", "step"].includes(message.act)) isPaused = message.act === "pause";
      try {
        if (message.act === "begin" || session) acts[message.act](message);
      } catch (error) {
        post({ kind: "problem", text: error.message });
      }
    },
    advance(milliseconds) {
      const end = now() + milliseconds;
      while (work && !isPaused && now() < end) if (work.next().done) work = null;
      return Boolean(work && !isPaused);
    },
  };
}

/** In a worker: answers messages between turns of 20 milliseconds. */
function serve(scope) {
  const desk = openDesk((message) => scope.postMessage(message), () => performance.now());
  const { port1, port2 } = new MessageChannel();
  let isBusy = false;
  const turn = () => ((isBusy = desk.advance(20)) ? port2.postMessage(null) : null);
  port1.onmessage = turn;
  scope.onmessage = ({ data }) => {
    desk.take(data);
    if (!isBusy) turn();
  };
}

const PARTS = [
  randomStream, shuffle, exponential, logarithm, layerOf, windows, convolutionLayer, unfold, pack, convolve,
  convolveBack, list, addRows, cropSlopes, rectify, rectifyBack, poolingLayer, pool, poolBack, denseLayer, weigh,
  weighBack, networkOf, initialize, forward, softmax, crossEntropy, backward, answerOf, learn, adam, look, learnedBy,
  test, train, sessionOf, openDesk, serve,
];

/** The text of a worker that does all of this. */
export const workerSource = () => `"use strict";\n${PARTS.join("\n")}\nserve(self);`;
