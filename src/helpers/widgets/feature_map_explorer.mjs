// The feature map explorer: what the filters of one layer make of an image, at each stride and padding.
//
// Run by anywidget and by the built page (base.py): it imports shared modules alone and ends with its export.
// tests/golden/maps.json holds its arithmetic to what torch computes.

import {
  CELL, MARKS, at, axis, box, cellsOf, clamp, either, floored, formula, isInput, limit, line, listOf, nothing,
  number, objectOf, oneOf, openView, pairOf, paint, put, ramp, range, remark, resize, say, square, steer, text, truth,
  whole, windowOf,
} from "./common.mjs";
import { IMAGES, SIDE, cellsNamed, ownPicture } from "./picture.mjs";
import { foldsOf } from "./share.mjs";

const SLIDERS = ["stride", "padding"];
const CONTROLS = [...SLIDERS, "relu"];

const stride = whole(1, 8);
const padding = either(whole(0, 6), oneOf(["valid", "same"]));
// What PyTorch computed.
const live = objectOf({
  layers: listOf(text(200), 1, 1000), layer: text(200), stride, padding, shape: listOf(whole(0, 4096), 3, 3),
  problem: either(nothing, text(10_000)),
});
export const RULES = {
  image: cellsOf(3, 32),
  filters: listOf(objectOf({ name: text(200), weights: cellsOf(1, 7), bias: number }), 1, 64),
  filter: text(200),
  stride,
  padding,
  relu: truth,
  selected: pairOf(whole(0, 4095), "(row, column) from 0 on"),
  layer: text(200),
  _live: (value, name) => value?.layers && live(value, name),
};
const CLASSIC = {
  "vertical edges": [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
  "horizontal edges": [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
  "diagonal edges": [[2, 1, 0], [1, 0, -1], [0, -1, -2]],
  outline: [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
  blur: [[1 / 16, 1 / 8, 1 / 16], [1 / 8, 1 / 4, 1 / 8], [1 / 16, 1 / 8, 1 / 16]],
  sharpen: [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
  identity: [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
};
export const DEFAULTS = {
  image: cellsNamed("seven", IMAGES, SIDE, SIDE),
  filters: Object.entries(CLASSIC).map(([name, weights]) => ({ name, weights, bias: 0 })),
  filter: "vertical edges", stride: 1, padding: 0, relu: false, selected: [0, 0], layer: "", _live: {},
};

/** The axis of the rows and that of the columns; all filters have one shape. */
function axes({ image, filters: [{ weights }], stride, padding }) {
  return [[image.length, weights.length], [image[0].length, weights[0].length]].map(([size, taps]) => {
    const own = axis(size, { kernel_size: taps, stride, padding }, ["filter", "the image"]);
    // Of all windows that begin before a cell or at it, the last one reaches furthest.
    const isRead = (cell) => cell - Math.min(Math.floor(cell / stride), own.count - 1) * stride < taps;
    return { ...own, isRead };
  });
}

/** What changes with a setting, if it can be drawn. */
function fit(setting) {
  const { filters } = setting;
  const shapes = filters.map(({ weights }) => `${weights.length} by ${weights[0].length}`);
  const [names, kinds] = [new Set(filters.map(({ name }) => name)), new Set(shapes)];
  if (names.size < filters.length || kinds.size > 1) {
    throw new Error(`filters must be of one shape, each of another name; ${filters.length} have ${names.size} names.`);
  }
  return { selected: limit(setting.selected, axes(setting)), filter: filters[placeOf(setting)].name };
}

/** The place of the chosen filter, or of the first one. */
const placeOf = ({ filters, filter }) => Math.max(0, filters.findIndex(({ name }) => name === filter));

/** The layer that makes the maps, for its code. */
function layerOf(setting) {
  const { filters, padding } = setting;
  return { kind: "convolution", axes: axes(setting), padding, inputs: 1, outputs: filters.length };
}

/** The image with its padding, row after row. */
function pad(image, rows, columns) {
  const cells = new Float64Array(rows.padded * columns.padded);
  image.forEach((line, row) => cells.set(line, (row + rows.before) * columns.padded + columns.before));
  return cells;
}

/** The sums of one filter wherever its window fits, row after row: a weight at a time, at all places. */
function correlate(cells, { weights, bias }, rows, columns) {
  const sums = new Float64Array(rows.count * columns.count).fill(bias);
  weights.forEach((line, i) =>
    line.forEach((weight, j) => {
      for (let row = 0, place = 0; row < rows.count; row++) {
        let cell = (row + i) * columns.padded + j;
        for (const end = place + columns.count; place < end; place++, cell++) sums[place] += weight * cells[cell];
      }
    }),
  );
  return sums;
}

/** The sums of each filter at stride 1 in the most padding: those of every other setting are among them. */
function sumAll({ image, filters }) {
  const [rows, columns] = axes({ image, filters, stride: 1, padding: padding.high });
  const cells = pad(image, rows, columns);
  return { rows, columns, sums: filters.map((filter) => correlate(cells, filter, rows, columns)) };
}

/** Those of a filter's sums at which a window stops. */
function pick(sums, all, rows, columns) {
  const picked = new Float64Array(rows.count * columns.count);
  const left = all.columns.before - columns.before;
  for (let row = 0, place = 0; row < rows.count; row++) {
    let from = (row * rows.stride + all.rows.before - rows.before) * all.columns.count + left;
    for (const end = place + columns.count; place < end; place++, from += columns.stride) picked[place] = sums[from];
  }
  return picked;
}

/** Both axes, and for each filter its sums, picked from all, and the map that they become. */
export function settle({ image, filters, relu, ...window }, all = sumAll({ image, filters })) {
  const [rows, columns] = axes({ image, filters, ...window });
  const sums = all.sums.map((each) => pick(each, all, rows, columns));
  return { rows, columns, sums, maps: relu ? sums.map(rectify) : sums };
}

function rectify(sums) {
  const map = new Float64Array(sums.length);
  for (let place = 0; place < map.length; place++) map[place] = Math.max(sums[place], 0);
  return map;
}

const furthest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;

const SMALL = 64; // pixels a side of a canvas in a strip, whatever the size of its map

const MINUS = "m12 20h16";

/** What stands over the image: padding, and what no window reads. */
function drawMarks(rows, columns) {
  const paths = { padding: "", unused: "", unread: "" };
  for (const row of range(rows.padded)) {
    for (const column of range(columns.padded)) {
      const isInside = isInput(rows, row) && isInput(columns, column);
      if (!isInside) paths.padding += square(row, column);
      if (rows.isRead(row) && columns.isRead(column)) continue;
      if (isInside) paths.unread += at(row, column) + MARKS.unread;
      else paths.unused += at(row, column) + MARKS.unused;
    }
  }
  const drawn = Object.entries(paths).filter(([, path]) => path);
  return drawn.map(([look, path]) => `<path class="${look}" d="${path}"/>`).join("");
}

/** A minus in each cell of a map whose value is clearly negative, since color alone must not say it. */
function drawSigns(map, width, scale) {
  let path = "";
  map.forEach((value, place) => {
    if (value < -0.05 * scale) path += at(Math.floor(place / width), place % width) + MINUS;
  });
  return path;
}

const show = (value) => `${Math.abs(value) < 100 ? +value.toPrecision(3) : Math.round(value)}`.replace("-", "−");
const signed = (value) => (value > 0 ? "+" : "") + show(value);

/** For the ear: a screen reader would leave signs out. */
const inWords = (text) => text.replaceAll("×", "by").replaceAll("−", "minus ");

/** What became of the image, in words. */
function summary(name, map, rows, columns) {
  const [low, high] = [Math.min(...map), Math.max(...map)].map(show);
  return `${name}: a map of ${rows.count} × ${columns.count} values, from ${low} to ${high}. ${remark(rows, columns)}`;
}

/** Where one value of the map comes from, in words. */
function reading({ sum, value, bias }, rows, columns, [row, column]) {
  const span = ({ stride, before, taps }, stop) => [stop * stride - before, stop * stride - before + taps - 1];
  const spans = [span(rows, row), span(columns, column)];
  const isInside = spans.every(([first, last], side) => first >= 0 && last < [rows, columns][side].size);
  const [from, to] = spans.map(([first, last]) => (first < last ? `${show(first)} to ${show(last)}` : show(first)));
  const rest = (isInside ? "" : ", padding included,") + (bias ? " plus the bias" : "");
  const cut = value === sum ? "" : `, which ReLU makes ${show(value)}`;
  const place = `Map row ${row}, column ${column}`;
  return `${place}: the weighted sum of image rows ${from}, columns ${to}${rest} is ${show(sum)}${cut}.`;
}

const slider = (name) => `<div part="${name}"><label>${name}</label><output></output>
  <input type="range" name="${name}" min="${RULES[name].low}" max="${RULES[name].high}"></div>`;

const template = `
  <div class="settings">
  ${slider("stride")}
  <label class="wide">padding<select part="kind"><option value="number">a number a side<option>valid
    <option value="same">same (TensorFlow, Keras, JAX)</select></label>
  ${slider("padding")}
  <label class="check"><input type="checkbox" part="relu"> ReLU: cut negative values to 0</label>
  </div>
  <p class="problem" role="alert" part="problem"></p>
  <div class="formula" part="formula">
  ${line("map", `${floored("image + padding + padding − filter", "stride")} + 1`)}<div part="numbers"></div>
  </div>
  <div class="panels maps" part="panels">
  <div><b part="imageSize"></b><div class="stack"><canvas part="image"></canvas>
    <svg part="input" tabindex="0" role="slider" aria-label="Window" aria-valuemin="0"
      ><g></g><g class="window"></g></svg></div></div>
  <div><b part="mapSize"></b><div class="stack output"><canvas part="map"></canvas>
    <svg part="output" role="img"><path class="negative"/><path class="selected" d="${square(0, 0)}"/></svg></div>
    <div class="scale" part="scale"><i></i><span></span><span>0</span><span></span></div></div>
  </div>
  <ul class="legend">
  <li>window: drag it, or press arrow keys<li class="negative">negative value
  <li class="padding">padding<li class="unused">padding never read<li class="unread">pixel never read
  </ul>
  <div class="told">
  <div><b part="filterName"></b><div class="weights" part="weights"></div><div part="bias"></div></div>
  <div aria-hidden="true"><p part="summary"></p><p part="reading"></p></div>
  </div>
  <p class="unseen" aria-live="polite" part="words"></p>
  <fieldset><legend part="stripName"></legend><div class="strip" part="strip"></div></fieldset>
  <fieldset part="live" hidden><legend>The maps of a layer of the model, computed by PyTorch</legend>
  <label>layer <select part="layer"></select></label> <span aria-live="polite" part="liveWords"></span>
  <div class="strip" part="liveStrip"></div></fieldset>`;

function render({ model, el }) {
  const picture = ownPicture({ stand: "the image of the page" });
  const view = openView({
    model, el, name: "feature-map-explorer", template, rules: RULES, defaults: DEFAULTS, fit, showControls, update, picture,
    given: ["image", "filters", "layer"], folds: foldsOf(layerOf),
  });
  const { id, part, read, write, choose } = view;
  const [marks, frame] = part.input.children;
  const [signs, selection] = part.output.children;
  const grays = ramp("pixel-low", "pixel-low", "pixel-high");
  const colors = ramp("map-negative", "pixel-low", "map-positive");

  let scene; // what is drawn
  let drawn = {}; // and from what
  let all; // sums there are
  let reach; // the scale of each map

  const sides = () => [scene.rows, scene.columns];
  const selected = () => limit(model.get("selected"), sides());
  const select = (stops) => write({ selected: limit(stops, sides()) });
  const current = () => placeOf({ ...drawn, filter: model.get("filter") });

  function showControls({ stride, padding, relu }) {
    for (const [name, value] of Object.entries({ stride, padding })) {
      const [, output, input] = part[name].children;
      part[name].hidden = typeof value === "string";
      say(output, value);
      input.value = value;
    }
    part.kind.value = typeof padding === "string" ? padding : "number";
    part.relu.checked = relu;
  }

  /** All that follows from the setting. */
  function showScene() {
    const { rows, columns, maps } = scene;
    part.panels.style.cssText =
      `--size:${columns.size};--padded:${columns.padded};--high:${rows.padded};--count:${columns.count};` +
      `--top:${rows.before};--left:${columns.before}`;
    part.input.setAttribute("viewBox", `0 0 ${columns.padded * CELL} ${rows.padded * CELL}`);
    part.output.setAttribute("viewBox", `0 0 ${columns.count * CELL} ${rows.count * CELL}`);
    put(marks, drawMarks(rows, columns));
    put(frame, windowOf(at(0, 0) + box(rows.taps, columns.taps), rows, columns));
    put(part.numbers, formula(rows, columns));
    say(part.imageSize, `Image ${rows.size} × ${columns.size}`);
    say(part.mapSize, (part.output.ariaLabel = `Map ${rows.count} × ${columns.count}`));
    part.input.ariaValueMax = rows.count * columns.count - 1;
    const canvases = part.strip.querySelectorAll("canvas");
    maps.forEach((map, place) => paint(canvases[place], map, columns.count, reach[place], colors));
  }

  /** The map of the chosen filter, and the filter. */
  function showMap() {
    const { rows, columns, maps } = scene;
    const place = current();
    const [map, { name, weights, bias }] = [maps[place], drawn.filters[place]];
    paint(resize(part.map, columns.count, rows.count), map, columns.count, reach[place], colors);
    signs.setAttribute("d", drawSigns(map, columns.count, reach[place]));
    part.filterName.textContent = name;
    part.weights.style.cssText = `--taps:${columns.taps}`;
    put(part.weights, weights.flat().map((weight) => `<span>${signed(+weight.toFixed(2))}</span>`).join(""));
    say(part.bias, bias ? `bias ${signed(bias)}` : "");
    part.panels.classList.toggle("is-cut", drawn.relu);
    const [lowest, , highest] = part.scale.querySelectorAll("span");
    say(lowest, drawn.relu ? "" : show(-reach[place]));
    say(highest, signed(reach[place]));
    part.summary.textContent = summary(name, map, rows, columns);
    part.strip.children[place].firstElementChild.checked = true;
  }

  function showSelection() {
    const { rows, columns, sums, maps } = scene;
    const [row, column] = selected();
    const place = row * columns.count + column;
    frame.style.transform = `translate(${column * columns.stride * CELL}px, ${row * rows.stride * CELL}px)`;
    selection.style.transform = `translate(${column * CELL}px, ${row * CELL}px)`;
    part.input.ariaValueNow = place;
    part.input.ariaValueText = `map row ${row}, column ${column}`;
    const filter = current();
    const formed = { sum: sums[filter][place], value: maps[filter][place], bias: drawn.filters[filter].bias };
    say(part.reading, reading(formed, rows, columns, [row, column]));
  }

  /** What does not depend on the setting: the image, and a button for each filter. */
  function showGiven() {
    const { image, filters } = drawn;
    const lowest = Math.min(...image.flat());
    const values = image.flat().map((value) => value - lowest);
    paint(resize(part.image, image[0].length, image.length), values, image[0].length, furthest(values), grays);
    all = sumAll(drawn);
    reach = all.sums.map(furthest);
    part.stripName.textContent = `The maps of all ${filters.length} filters, each on a scale of its own`;
    const buttons = filters.map(({ name }) => {
      const label = document.createElement("label");
      label.innerHTML = `<input type="radio" name="${id}"><canvas></canvas>`;
      resize(label.querySelector("canvas"), SMALL, SMALL);
      label.append(name);
      label.firstChild.onchange = () => write({ filter: name });
      return label;
    });
    part.strip.replaceChildren(...buttons);
  }

  /** What PyTorch computed, where there is a kernel to run it. */
  function showLive() {
    const live = model.get("_live");
    part.live.hidden = !live?.layers;
    if (part.live.hidden || live === drawn.live) return;
    drawn.live = live;
    const { layers, layer, stride, padding, shape: [count, height, width], problem } = live;
    if (!part.layer.length) for (const name of layers) part.layer.add(new Option(name));
    part.layer.value = layer;
    const size = `${count} maps of ${height} × ${width}`;
    part.liveWords.textContent = problem ?? `PyTorch at stride ${stride}, padding ${padding}: ${size}.`;
    const { buffer, byteOffset, byteLength } = model.get("_live_maps") ?? {};
    const values = buffer ? new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength)) : [];
    const area = height * width;
    const maps = range(area && Math.floor(values.length / area)).map((place) => values.slice(place * area, (place + 1) * area));
    part.liveStrip.replaceChildren(
      ...maps.map((map) => {
        const canvas = resize(document.createElement("canvas"), width, height);
        paint(canvas, map, width, furthest(map), colors);
        return canvas;
      }),
    );
  }

  function update() {
    const before = drawn;
    drawn = { ...read(), live: before.live };
    const isNew = (...names) => names.some((name) => drawn[name] !== before[name]);
    if (isNew("image", "filters")) showGiven();
    const isChanged = isNew("image", "filters", ...CONTROLS);
    if (isChanged) showScene((scene = settle(drawn, all)));
    if (isChanged || isNew("filter")) showMap();
    el.classList.toggle("is-gliding", !isChanged);
    showSelection();
    const said = isChanged || isNew("filter") ? part.summary : part.reading;
    part.words.textContent = inWords(said.textContent);
    showLive();
  }

  for (const name of SLIDERS) {
    const [label, output, input] = part[name].children;
    label.htmlFor = output.htmlFor = input.id = `${id}-${name}`;
    input.oninput = () => choose({ [name]: Number(input.value) });
  }
  part.kind.onchange = () => {
    const { value } = part.kind;
    choose({ padding: value === "number" ? clamp(scene.rows.before, padding.low, padding.high) : value });
  };
  part.relu.onchange = () => choose({ relu: part.relu.checked });
  part.layer.onchange = () => write({ layer: part.layer.value });

  steer({ input: part.input, output: part.output, frame, sides, selected, select });
  return view.start();
}

export default { render };
