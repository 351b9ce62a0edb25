// The training explorer: up to four small networks that learn while you look, each with its own stride and padding.
//
// What it shows before training is computed here; what learns is the engine, in a worker, or where workers are barred
// on this page, some milliseconds at a time. tests/browser/test_training.py holds it to Python and to torch.

import {
  EXAMPLES, axis, either, listOf, menu, objectOf, oneOf, openView, pair, pairOf, paint, perAxis, put,
  ramp, randomStream, range, resize, rule, say, text, truth, whole,
} from "./common.mjs";
import { IMAGES, SIDE, cellsNamed, openPad } from "./picture.mjs";
import { foldsOf } from "./share.mjs";
import { openDesk, shuffle, workerSource } from "./engine.mjs";

const [CLASSES, TRAIN, TEST] = [10, 2000, 1000];
const POINTS = 2; // measurements an epoch
const SETS = { mnist: "MNIST", digits: "drawn digits", garments: "drawn garments" };
const CHANGES = { none: "as they are", corner: "pushed into the lower right corner", shuffled: "with shuffled labels" };
const GARMENTS = ["T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];

const NETWORK = {
  name: text(200), strides: pairOf(whole(1, 4), "two whole numbers from 1 to 4"),
  padding: either(whole(0, 3), oneOf(["valid", "same"])), convention: oneOf(["tensorflow", "onnx-lower", "pytorch"]),
  kernel_size: whole(1, 7), pool: truth, border: whole(0, 12),
};
export const RULES = {
  networks: listOf(objectOf(NETWORK), 1, 4),
  channels: perAxis(1, 64),
  images: oneOf(Object.keys(SETS)),
  change: oneOf(Object.keys(CHANGES)),
  seed: whole(0, 999_999),
  epochs: whole(1, 50),
  batch_size: whole(1, 256),
  learning_rate: rule("a number from 0.0001 to 0.1", (value) => value >= 1e-4 && value <= 0.1 && typeof value === "number"),
  editing: whole(0, 3),
  recorded: listOf(objectOf({}), 0, 1000),
  examples: EXAMPLES,
};
const PLAIN = { strides: [1, 1], padding: "valid", convention: "tensorflow", kernel_size: 3, pool: true, border: 0 };
export const DEFAULTS = {
  networks: [
    { name: "(1, same)", ...PLAIN, padding: "same" },
    { name: "(1, valid)", ...PLAIN },
    { name: "(2, same)", ...PLAIN, strides: [2, 2], padding: "same" },
    { name: "(2, valid)", ...PLAIN, strides: [2, 2] },
  ],
  channels: [8, 16], images: "digits", change: "none", seed: 1, epochs: 5, batch_size: 32, learning_rate: 0.005, editing: 0,
  recorded: [],
};
const SETTING = ["images", "change", "channels", "epochs", "batch_size", "learning_rate"]; // of a run, beside network and seed
const bare = (network) => JSON.stringify(Object.keys(PLAIN).map((name) => network[name]));
const LEARNS = ["networks", "channels", "images", "change", "seed", "batch_size", "learning_rate"]; // another run, if it changes

/** The layers of a network as the engine takes them, their sizes along one axis, cost, and what no answer depends on. */
export function planOf(network, channels) {
  const { name, strides, kernel_size, pool, border, padding, convention } = network;
  const first = Math.floor(border / 2);
  const [sizes, axes, layers] = [[SIDE + border], [], []];
  let [before, parameters, macs] = [1, 0, 0];
  const lay = (what, window) => {
    const own = axis(sizes.at(-1), window, [`${what} of ${name}`, "what it reads"]);
    axes.push(own);
    sizes.push(own.count);
    return own;
  };
  pair(channels).forEach((filters, place) => {
    const stride = strides[place];
    const own = lay(`kernel of conv${place + 1}`, { kernel_size, stride, padding, convention });
    const pads = place ? [own.before, own.after] : [own.before + first, own.after + border - first];
    layers.push({ kind: "convolution", filters, kernel_size, stride, pads: [pads, pads], relu: true });
    const weights = before * filters * kernel_size ** 2;
    parameters += weights + filters;
    macs += weights * own.count ** 2;
    if (pool) {
      lay(`window of pool${place + 1}`, { kernel_size: 2, stride: 2, padding: 0 });
      layers.push({ kind: "pooling" });
    }
    before = filters;
  });
  const inputs = before * sizes.at(-1) ** 2;
  layers.push({ kind: "dense", classes: CLASSES });
  let reads = Array(sizes.at(-1)).fill(true);
  for (const { size, before, count, stride, taps } of axes.reverse()) {
    const below = Array(size).fill(false);
    for (const unit of range(count)) if (reads[unit]) for (const tap of range(taps)) below[unit * stride - before + tap] = true;
    reads = below.slice(0, size);
  }
  const read = range(SIDE).filter((pixel) => reads[pixel + first]).length;
  return {
    name, sizes, layers, parameters: parameters + CLASSES * (inputs + 1), macs: macs + CLASSES * inputs,
    unread: SIDE ** 2 - read ** 2,
  };
}

// Images

/** Labels and pixels, 0 to 255, out of what Python packed: four pixels of four grays in a byte. */
export async function unpack(packed) {
  if (!("DecompressionStream" in window)) throw new Error("This browser cannot unpack the images; a newer one can.");
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const labels = bytes.slice(0, TRAIN + TEST);
  const images = new Uint8Array((TRAIN + TEST) * SIDE ** 2);
  for (let pixel = 0, at = TRAIN + TEST; pixel < images.length; at++) {
    for (let shift = 6; shift >= 0; shift -= 2) images[pixel++] = ((bytes[at] >> shift) & 3) * 85;
  }
  return { labels, images };
}

/** Each image moved down and to the right as far as its ink goes. */
export function pushToCorner(images) {
  const pushed = new Uint8Array(images.length);
  for (let start = 0; start < images.length; start += SIDE ** 2) {
    let [last, rightmost] = [0, 0];
    for (let at = 0; at < SIDE ** 2; at++) {
      if (images[start + at]) [last, rightmost] = [Math.floor(at / SIDE), Math.max(rightmost, at % SIDE)];
    }
    const shift = (SIDE - 1 - last) * SIDE + SIDE - 1 - rightmost;
    for (let at = 0; at < SIDE ** 2; at++) if (images[start + at]) pushed[start + at + shift] = images[start + at];
  }
  return pushed;
}

/** What the engine is given to begin with. */
export function sessionFor(state, { labels, images }) {
  const pixels = state.change === "corner" ? pushToCorner(images) : images;
  const learned = labels.slice(0, TRAIN);
  if (state.change === "shuffled") shuffle(learned, randomStream(0, 9));
  const cut = TRAIN * SIDE ** 2;
  return {
    act: "begin", networks: state.networks.map((each) => planOf(each, state.channels).layers), shape: [1, SIDE, SIDE],
    images: pixels.slice(0, cut), labels: learned, tests: { images: pixels.slice(cut), labels: labels.slice(TRAIN) },
    seed: state.seed, batch: state.batch_size, rate: state.learning_rate, every: TRAIN / POINTS,
  };
}

/** The engine in a worker; on this page where none can be had. `hear` gets what it posts. */
function openEngine(hear) {
  let sent = []; // until the worker has answered once
  let [worker, timer] = [null, null];
  const desk = openDesk((message) => setTimeout(hear, 0, message), () => performance.now());
  const turn = () => (timer = desk.advance(8) ? setTimeout(turn) : null);
  const here = (message) => {
    desk.take(message);
    timer ??= setTimeout(turn);
  };
  const giveUp = () => {
    worker?.terminate();
    worker = null;
    sent.splice(0).forEach(here);
  };
  try {
    const address = URL.createObjectURL(new Blob([workerSource()], { type: "text/javascript" }));
    worker = new Worker(address);
    worker.onmessage = ({ data }) => {
      URL.revokeObjectURL(address);
      sent = null;
      hear(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (sent) giveUp();
      else hear({ kind: "problem", text: "The worker that trains has ended; Reset starts another." });
    };
  } catch {
    giveUp();
  }
  return {
    send(message) {
      sent?.push(message);
      if (worker) worker.postMessage(message);
      else here(message);
    },
    close() {
      worker?.terminate();
      clearTimeout(timer);
    },
  };
}

// Drawing

const STYLES = ["", "6 4", "2 3", "9 3 2 3"];
const percent = (share) => `${(100 * share).toFixed(1)}%`;
const colorOf = ({ strides }) => `var(--book-stride-${strides[0] === 1 ? 1 : 2})`;
const [WIDE, HIGH, LEFT, BELOW] = [340, 190, 42, 34];
const many = (number) => number.toLocaleString("en-US");

/** Lines over one axis: points [x, y] of each network, whose number stands at the end of its line. */
function drawChart(title, lines, networks, { most, low, high, name, show }) {
  const x = (value) => LEFT + (value / (most || 1)) * (WIDE - LEFT - 16);
  const y = (value) => HIGH - BELOW - ((value - low) / (high - low)) * (HIGH - BELOW - 10);
  const grid = range(5).map((step) => low + (step * (high - low)) / 4).map((value) =>
    `<path class="rule" d="M${LEFT} ${y(value)}H${WIDE - 10}"/><text x="${LEFT - 5}" y="${y(value)}" text-anchor="end">${show(value)}</text>`);
  const drawn = lines.map((points, place) => {
    const [stride] = networks[place].strides;
    const path = points.map((point, index) => `${index ? "L" : "M"}${x(point[0]).toFixed(1)} ${y(point[1]).toFixed(1)}`).join("");
    const [endX, endY] = points.at(-1) ?? [0, low];
    return `<path class="line" d="${path}" style="stroke:${colorOf(networks[place])};stroke-dasharray:${STYLES[stride > 1 ? 1 : 0]}"/>
      <text class="end" x="${x(endX) + 3}" y="${y(endY)}">${points.length ? place + 1 : ""}</text>`;
  });
  const ends = `<text x="${LEFT}" y="${HIGH - 18}">0</text><text x="${WIDE - 10}" y="${HIGH - 22}" text-anchor="end">${many(Math.round(most * 10) / 10)}</text>
    <text x="${(LEFT + WIDE) / 2}" y="${HIGH - 4}" text-anchor="middle">${name}</text>`;
  const words = lines.map((points, place) => points.length && `${networks[place].name}: ${show(points.at(-1)[1])} after ${many(Math.round(points.at(-1)[0] * 10) / 10)} ${name}`);
  const label = `${title} against ${name}. ${words.filter(Boolean).join("; ") || "Nothing is trained yet"}.`;
  return `<svg viewBox="0 0 ${WIDE} ${HIGH}" role="img">${grid.join("")}${ends}${drawn.join("")}</svg>|${label}`;
}

const slider = (name) => `<div part="${name}"><label></label><output></output><input type="range" name="${name}"></div>`;
const SLIDERS = { // what each shows and sets, with its ends
  stride1: ["stride of conv1", 1, 4], stride2: ["stride of conv2", 1, 4], padding: ["padding a side", 0, 3],
  kernel_size: ["kernel", 1, 7], border: ["black border", 0, 12],
};
const options = (words) => Object.entries(words).map(([value, word]) => `<option value="${value}">${word}`).join("");

const template = `
  <div class="settings">
  ${menu("examples", "start from", "").replace("<label>", '<label class="wide">')}
  ${menu("images", "images", options(SETS))}${menu("change", "they are", options(CHANGES))}
  <label>seed<input type="number" part="seed" min="0" max="999999"></label>
  </div>
  <div class="bar"><button part="train"></button><button part="step">One step</button>
  <button part="again">Once more, next seed</button><button part="reset">Reset</button> <span part="status"></span></div>
  <p class="problem" role="alert" part="problem"></p><p class="problem" role="alert" part="trouble"></p>
  <div class="numbers"><table><thead><tr><th>network<th>accuracy<th>seconds<th>sizes<th>parameters<th>MACs<th>never read</tr></thead>
  <tbody part="rows"></tbody></table></div>
  <p part="origin"></p>
  <details><summary>Change network <span part="edited"></span></summary><div class="settings">
  ${Object.keys(SLIDERS).map(slider).join("")}
  <label class="wide">padding<select part="kind"><option value="number">a number a side<option>valid
    <option value="tensorflow">same (TensorFlow, Keras, JAX)<option value="pytorch">same (PyTorch)
    <option value="onnx-lower">same (ONNX, lower)</select></label>
  <label class="check"><input type="checkbox" part="pool"> pooling, 2 × 2, after each convolution</label></div>
  <div class="bar"><button part="add">Add a copy</button><button part="remove">Remove it</button></div></details>
  <div class="bar">${menu("metric", "curves of", '<option value="accuracy">test accuracy<option value="loss">training loss')}</div>
  <div class="charts"><div part="byImages"></div><div part="bySeconds"></div></div>
  <div part="intervals"></div>
  <fieldset><legend>An image to ask about</legend><div part="pad"></div><button part="next">Next test image</button>
  <p>Below stands what each network answers. The last picture of each row is the map of the pixels that count: blue pixels
    speak for the answer where they get darker, brown ones against it.</p></fieldset>
  <div part="views"></div>
  <details part="confused"><summary>Which classes are taken for which: <span part="confusedName"></span></summary>
  <div class="numbers" part="confusion"></div></details>
  <p class="unseen" aria-live="polite" part="words"></p>`;

function render({ model, el }) {
  const view = openView({
    model, el, name: "training-explorer", template, rules: RULES, defaults: DEFAULTS, fit, showControls, update,
    given: ["recorded"], folds: foldsOf(),
  });
  const { id, part, read, choose } = view;
  const colors = ramp("map-negative", "pixel-low", "map-positive");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  let drawn = {}; // the state that is shown
  let plans = [];
  let loaded = {}; // images by the name of their set
  let engine = null;
  let phase = "new"; // new, loading, training, paused, done
  let seen = 0;
  let curves = []; // for each network its points: seen, seconds, accuracy, loss
  let confusions = [];
  let isLooking = false;
  let isAway = false; // out of sight
  let shown = -1; // the test image
  let isTouched = false; // whether the reader has chosen or drawn one
  const runs = new Map(); // final accuracies by setting
  const digit = Float32Array.from(cellsNamed("seven", IMAGES, SIDE, SIDE).flat(), (tenth) => tenth / 9);

  function fit({ networks, channels, editing }) {
    networks.forEach((each) => planOf(each, channels));
    const names = new Set(networks.map(({ name }) => name));
    if (names.size < networks.length || names.has("")) throw new Error("networks must have a name each.");
    if (editing >= networks.length) throw new Error(`editing must be a network from 0 to ${networks.length - 1}, got ${editing}.`);
    return {};
  }

  const goal = () => TRAIN * drawn.epochs;
  const keyOf = (network) => JSON.stringify([bare(network), ...SETTING.map((name) => drawn[name])]);
  const isRecorded = () => SETTING.slice(2).every((name) => JSON.stringify(drawn[name]) === JSON.stringify(DEFAULTS[name]));

  // The engine

  function forget() {
    engine?.close();
    [engine, phase, seen, curves, confusions, isLooking] = [null, "new", 0, drawn.networks.map(() => []), [], false];
    say(part.trouble, "");
    put(part.views, "");
    showProgress();
  }

  function fail(sentence) {
    engine?.close();
    [engine, phase] = [null, "new"];
    say(part.trouble, sentence);
    showProgress();
  }

  /** The packed images: out of a script beside the page, or from Python. */
  function fetchImages(name) {
    if (model.loadImages) return model.loadImages(name).then((coded) => Uint8Array.from(atob(coded), (sign) => sign.charCodeAt(0)));
    return new Promise((resolve, reject) => {
      const take = () => {
        const { buffer, byteOffset, byteLength } = model.get("_packed") ?? {};
        if (model.get("_problem")) reject(new Error(model.get("_problem")));
        else if (byteLength && model.get("_wanted") === name) resolve(buffer.slice(byteOffset, byteOffset + byteLength));
      };
      model.on("change:_packed change:_problem", take);
      if (model.get("_wanted") === name) take();
      model.set("_wanted", name);
      model.save_changes();
    });
  }

  async function load(name) {
    if (loaded[name]) return;
    loaded[name] = await unpack(await fetchImages(name));
    if (!isTouched) showTestImage();
  }

  /** The next test image takes the place of the one to ask about. */
  function showTestImage() {
    shown = (shown + 1) % TEST;
    const { images } = loaded[drawn.images];
    const pixels = drawn.change === "corner" ? pushToCorner(images) : images;
    const start = (TRAIN + shown) * SIDE ** 2;
    digit.forEach((_, at) => (digit[at] = pixels[start + at] / 255));
    pad.show();
    ask();
  }

  async function begin() {
    phase = "loading";
    showProgress();
    const { images } = drawn;
    try {
      await load(images);
      if (phase !== "loading") return false;
      engine = openEngine(hear);
      engine.send(sessionFor(drawn, loaded[images]));
      return true;
    } catch (error) {
      fail(`${SETS[images]}: ${error.message} Nothing was trained.`);
      return false;
    }
  }

  async function go(act) {
    if (phase === "loading") return;
    if (!engine && !(await begin())) return;
    phase = act === "train" ? "training" : "paused";
    const until = seen >= goal() ? seen + TRAIN : goal();
    engine.send({ act, until });
    if (act === "train") say(part.words, `Training of ${drawn.networks.length} networks has started.`);
    showProgress();
    ask();
  }

  function pause(words) {
    if (phase !== "training") return;
    phase = "paused";
    engine.send({ act: "pause" });
    say(part.words, words);
    showProgress();
  }

  function ask() {
    if (!engine || isLooking) return;
    isLooking = true;
    engine.send({ act: "look", image: digit });
  }

  function hear(message) {
    if (!engine) return;
    const heard = {
      point({ points }) {
        seen = message.seen;
        points.forEach(({ accuracy, loss, seconds }, place) => curves[place].push({ seen, seconds, accuracy, loss }));
        confusions = points.map(({ confusion }) => confusion);
        report();
        showProgress();
      },
      rest() {
        seen = message.seen;
        if (seen >= goal()) finish();
        else phase = "paused";
        engine.send({ act: "weights" });
        showProgress();
        ask();
      },
      look({ views }) {
        isLooking = false;
        showViews(views);
        if (phase === "training" && !calm) setTimeout(ask, 400);
      },
      weights({ weights }) {
        const all = new Float32Array(weights.reduce((sum, { length }) => sum + length, 0));
        let to = 0;
        for (const each of weights) to = (all.set(each, to), to + each.length);
        model.set("_weights", new DataView(all.buffer));
        model.save_changes();
      },
      problem: () => fail(`${message.text} The networks are gone; smaller ones may fit.`),
    };
    heard[message.kind]?.(message);
  }

  function finish() {
    if (phase !== "training" || seen > goal()) return void (phase = seen >= goal() ? "done" : phase);
    phase = "done";
    drawn.networks.forEach((network, place) => {
      const key = keyOf(network);
      const known = (runs.get(key) ?? []).filter(({ seed }) => seed !== drawn.seed);
      runs.set(key, [...known, { seed: drawn.seed, accuracy: curves[place].at(-1).accuracy }]);
    });
    const said = drawn.networks.map(({ name }, place) => `${name} ${percent(curves[place].at(-1).accuracy)}`);
    say(part.words, `Done. Test accuracy: ${said.join("; ")}.`);
  }

  /** Tells Python, if there is one. */
  function report() {
    const history = drawn.networks.flatMap(({ name }, place) => curves[place].map((point) => ({ network: name, ...point })));
    model.set("_history", history);
    model.save_changes();
  }

  // What is shown

  function showControls({ networks, editing, images, change, seed }) {
    const now = networks[editing] ?? networks[0];
    const values = { ...now, stride1: now.strides[0], stride2: now.strides[1] };
    for (const name of Object.keys(SLIDERS)) {
      const [, output, input] = part[name].children;
      say(output, values[name]);
      input.value = values[name];
    }
    part.padding.hidden = typeof now.padding === "string";
    part.kind.value = now.padding === "same" ? now.convention : now.padding === "valid" ? "valid" : "number";
    part.pool.checked = now.pool;
    [part.images.value, part.change.value] = [images, change];
    if (document.activeElement !== part.seed) part.seed.value = seed;
    say(part.edited, now.name);
    say(part.confusedName, now.name);
    part.add.disabled = networks.length > 3;
    part.remove.disabled = networks.length < 2;
  }

  function showRows() {
    const { networks, editing, images, change } = drawn;
    const rows = plans.map(({ name, sizes, parameters, macs, unread }, place) => {
      const row = document.createElement("tr");
      row.ariaCurrent = `${place === editing}`;
      row.innerHTML = `<td><label><input type="radio" name="${id}" ${place === editing ? "checked" : ""}>
        <svg viewBox="0 0 26 8" width="26" height="8" aria-hidden="true"><path d="M0 4H26" style="stroke:${colorOf(networks[place])};stroke-width:3;stroke-dasharray:${STYLES[networks[place].strides[0] > 1 ? 1 : 0]}"/></svg>
        ${place + 1} <b></b></label><td><td><td>${sizes.join(" → ")}<td>${many(parameters)}<td>${many(macs)}<td>${unread} of 784`;
      row.querySelector("b").textContent = name;
      row.querySelector("input").onchange = () => choose({ editing: place });
      return row;
    });
    part.rows.replaceChildren(...rows);
    const source = images === "mnist" ? "the first 2,000 training and 1,000 test images of MNIST" : `2,000 and 1,000 ${SETS[images]}, made by the package of this book`;
    say(part.origin, `Trained on ${source}, in four grays, ${CHANGES[change]}. They are loaded when you press Train. One seed gives one run, to the last digit of every weight, in every browser; only its seconds differ.`);
  }

  const WORDS = { new: "Train", loading: "Loading…", training: "Pause", paused: "Go on", done: "Go on" };

  function showProgress() {
    say(part.train, WORDS[phase]);
    part.train.disabled = part.step.disabled = part.again.disabled = phase === "loading";
    part.step.disabled ||= phase === "training";
    const away = phase === "training" && isAway ? ", waiting until you look" : "";
    say(part.status, phase === "new" ? "" : `${many(seen)} of ${many(Math.max(goal(), seen))} images${away}`);
    curves.forEach((points, place) => {
      const [accuracy, seconds] = [...part.rows.children[place].children].slice(1);
      say(accuracy, points.length ? percent(points.at(-1).accuracy) : "");
      say(seconds, points.length ? points.at(-1).seconds.toFixed(1) : "");
    });
    showCharts();
    showIntervals();
    if (part.confused.open) showConfusion();
  }

  function showCharts() {
    const isLoss = part.metric.value === "loss";
    const kind = isLoss ? "loss" : "accuracy";
    const points = (x) => curves.map((line) => line.filter((point) => point[kind] !== null).map((point) => [point[x], point[kind]]));
    const losses = curves.flat().map(({ loss }) => loss ?? 0);
    const ends = isLoss ? { low: 0, high: Math.max(0.4, Math.ceil(5 * Math.max(...losses, 0)) / 5), show: (value) => value.toFixed(2) } : { low: 0, high: 1, show: (share) => `${100 * share}%` };
    const title = isLoss ? "Training loss, in nats," : "Test accuracy";
    const most = { seen: Math.max(goal(), seen), seconds: Math.max(...curves.flat().map(({ seconds }) => seconds), 1) };
    for (const [node, x, name] of [[part.byImages, "seen", "images"], [part.bySeconds, "seconds", "seconds of its own"]]) {
      const [svg, label] = drawChart(title, points(x), drawn.networks, { ...ends, most: most[x], name, show: ends.show }).split("|");
      put(node, svg);
      node.firstChild.ariaLabel = label;
    }
  }

  /** Where one more run lies, as recorded, and where the reader's lie. */
  function showIntervals() {
    const { networks, recorded, images, change } = drawn;
    const found = networks.map((network) => {
      const own = runs.get(keyOf(network)) ?? [];
      const isThis = (each) => bare(each.network) === bare(network) && each.images === images && each.change === change;
      const known = isRecorded() && recorded.find(isThis);
      if (!own.length && !known) return "";
      const all = [...own.map(({ accuracy }) => accuracy), ...(known ? [known.low, known.high] : [])];
      const low = Math.max(0, Math.floor(20 * Math.min(...all) - 0.4) / 20);
      const x = (share) => (10 + ((share - low) / (1 - low || 1)) * 300).toFixed(1);
      const bar = known ? `<path class="bar" d="M${x(known.low)} 12H${x(known.high)}"/>` : "";
      const dots = own.map(({ accuracy }, place) => `<circle cx="${x(accuracy)}" cy="12" r="${place === own.length - 1 ? 6 : 4}"/>`).join("");
      const latest = own.length ? `yours: ${own.map(({ accuracy }) => percent(accuracy)).join(", ")}` : "yours: not yet";
      const words = known ? `one more run lies between ${percent(known.low)} and ${percent(known.high)} (${known.runs} recorded runs in torch); ${latest}` : `no runs are recorded of this setting; ${latest}`;
      return [networks.indexOf(network), bar, dots, low, words];
    });
    put(part.intervals, found.filter(Boolean).map(([place, bar, dots, low, words]) =>
      `<p class="interval"><svg viewBox="0 0 320 34" aria-hidden="true"><path class="rule" d="M10 12H310"/>${bar}<g style="fill:${colorOf(networks[place])}">${dots}</g>
      <text x="10" y="32">${percent(low)}</text><text x="310" y="32" text-anchor="end">100%</text></svg>
      <span>${place + 1}: ${words}.</span></p>`).join(""));
  }

  const most = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;

  /** What each network answers, its first filters, the map of each, and how the answer depends on each pixel. */
  function showViews(views) {
    const kept = [...part.views.querySelectorAll("canvas")]; // to collect those of each look would stop the page
    const picture = (values, width) => {
      const canvas = resize(kept.shift() ?? document.createElement("canvas"), width, values.length / width);
      paint(canvas, values, width, most(values), colors);
      return canvas;
    };
    const sections = views.map(({ shares, maps, shape: [filters, height, width], weights, slopes }, place) => {
      const { name, kernel_size } = drawn.networks[place];
      const best = shares.indexOf(Math.max(...shares));
      const set = document.createElement("fieldset");
      set.innerHTML = `<legend></legend><div class="strip"></div>`;
      set.firstChild.textContent = `${place + 1} ${name} answers ${drawn.images === "garments" ? GARMENTS[best] : best}, with ${percent(shares[best])}`;
      const [taps, area] = [kernel_size ** 2, height * width];
      for (const filter of range(Math.min(filters, 8))) {
        const pairOfThem = document.createElement("div");
        pairOfThem.append(
          picture(weights.slice(filter * taps, (filter + 1) * taps), kernel_size),
          picture(maps.slice(filter * area, (filter + 1) * area), width),
        );
        set.lastChild.append(pairOfThem);
      }
      set.lastChild.append(picture(slopes, SIDE));
      return set;
    });
    part.views.lastPut = null;
    part.views.replaceChildren(...sections);
  }

  function showConfusion() {
    const { editing, images } = drawn;
    const confusion = confusions[editing];
    const names = images === "garments" ? GARMENTS : range(CLASSES);
    const cells = (row) => range(CLASSES).map((column) => `<td class="${row === column ? "right" : ""}">${confusion[row * CLASSES + column] || "·"}`);
    put(part.confusion, confusion ? `<table><thead><tr><th>is, answered${names.map((name) => `<th>${name}`).join("")}</tr></thead><tbody>${
      range(CLASSES).map((row) => `<tr><th>${names[row]}${cells(row).join("")}</tr>`).join("")}</tbody></table>` : "<p>Train first.</p>");
  }

  function update() {
    const before = drawn;
    drawn = read();
    const isNew = (...names) => names.some((name) => drawn[name] !== before[name]);
    if (isNew("networks", "channels")) plans = drawn.networks.map((each) => planOf(each, drawn.channels));
    if (isNew("networks", "channels", "images", "change", "editing")) showRows();
    const runs = LEARNS.some((name) => JSON.stringify(drawn[name]) !== JSON.stringify(before[name]));
    if (runs) {
      const wasTraining = engine && before.networks;
      forget();
      if (wasTraining) say(part.words, "The setting has changed, so the networks begin anew.");
    } else if (isNew("networks", "editing", "epochs", "recorded", "images")) showProgress();
  }

  // Controls

  const edit = (changes) => {
    const { networks, editing } = read();
    const changed = networks.map((each, place) => (place === editing ? { ...each, ...changes } : each));
    choose({ networks: changed.map((each, place) => (place === editing ? { ...each, name: nameFor(each, changed, place) } : each)) });
  };
  /** What a network is called that the reader has changed, unlike all others. */
  function nameFor({ strides: [first, second], padding }, networks, place) {
    const name = `(${first === second ? first : `${first} then ${second}`}, ${padding})`;
    const taken = networks.filter((_, other) => other !== place).map(({ name }) => name);
    return taken.includes(name) ? [...range(9)].map((more) => `${name}, ${more + 2}`).find((each) => !taken.includes(each)) : name;
  }

  for (const [name, [words, low, high]] of Object.entries(SLIDERS)) {
    const [label, output, input] = part[name].children;
    label.textContent = words;
    label.htmlFor = output.htmlFor = input.id = `${id}-${name}`;
    [input.min, input.max] = [low, high];
    input.oninput = () => {
      const value = Number(input.value);
      const { strides } = read().networks[read().editing];
      if (name === "stride1") edit({ strides: [value, strides[1]] });
      else if (name === "stride2") edit({ strides: [strides[0], value] });
      else edit({ [name]: value });
    };
  }
  part.kind.onchange = () => {
    const { value } = part.kind;
    if (value === "number") edit({ padding: 1 });
    else edit(value === "valid" ? { padding: value } : { padding: "same", convention: value });
  };
  part.pool.onchange = () => edit({ pool: part.pool.checked });
  part.add.onclick = () => {
    const { networks, editing } = read();
    const all = [...networks, { ...networks[editing], name: "" }];
    all.at(-1).name = nameFor(all.at(-1), all, networks.length);
    choose({ networks: all, editing: networks.length });
  };
  part.remove.onclick = () => {
    const { networks, editing } = read();
    choose({ networks: networks.filter((_, place) => place !== editing), editing: Math.min(editing, networks.length - 2) });
  };
  for (const name of ["images", "change"]) part[name].onchange = () => choose({ [name]: part[name].value });
  part.seed.onchange = () => choose({ seed: Number(part.seed.value) });
  part.examples.add(new Option("…", ""));
  for (const name of Object.keys(model.get("examples") ?? {})) part.examples.add(new Option(name, name));
  part.examples.onchange = () => {
    const { value } = part.examples;
    if (value) choose({ ...model.get("examples")[value], editing: 0 });
  };
  part.train.onclick = () => (phase === "training" ? pause(`Paused at ${many(seen)} images.`) : go("train"));
  part.step.onclick = () => go("step");
  part.reset.onclick = () => {
    forget();
    say(part.words, "The networks begin anew.");
  };
  part.again.onclick = () => {
    if (choose({ seed: (read().seed + 1) % 1_000_000 })) go("train");
  };
  part.metric.onchange = showCharts;
  part.confused.ontoggle = () => part.confused.open && showConfusion();

  // The image to ask about

  const pad = openPad(part.pad, {
    el, id: `${id}-pad`, label: "The image to ask about", pixels: digit, shifts: true,
    change() {
      isTouched = true;
      ask();
    },
  });
  part.next.onclick = async () => {
    const { images } = drawn;
    try {
      isTouched = true;
      await load(images);
      showTestImage();
    } catch (error) {
      say(part.trouble, `${SETS[images]}: ${error.message}`);
    }
  };

  // Out of sight it rests, and goes on when it is looked at.

  const look = () => {
    const wasAway = isAway;
    isAway = document.hidden || !isVisible;
    if (isAway === wasAway || phase !== "training") return;
    engine.send(isAway ? { act: "pause" } : { act: "train", until: Math.max(goal(), seen + 1) });
    showProgress();
    if (!isAway) ask();
  };
  let isVisible = true;
  const watcher = new IntersectionObserver(([{ isIntersecting }]) => {
    isVisible = isIntersecting;
    look();
  });
  watcher.observe(el);
  document.addEventListener("visibilitychange", look);

  const stop = view.start();
  return () => {
    stop();
    pad.close();
    watcher.disconnect();
    document.removeEventListener("visibilitychange", look);
    engine?.close();
    engine = null;
  };
}

export default { render };
