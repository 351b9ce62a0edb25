// The receptive field explorer: what a unit of any layer sees of the image, what it costs, what nobody reads.
//
// Run by anywidget and by the built page (base.py): it imports shared modules alone and ends with its export.

import {
  brief, dependencies, derive, grouped, inside, isUneven, levelsOf, runs, showJump, tell, tellUnread,
} from "./arithmetic.mjs";
import {
  EXAMPLES, PADDINGS, addSlider, check, clamp, either, listOf, menu, nothing, oneOf, openView, paddingOf, pairOf,
  pickOf, problemOf, put, quoted, range, say, text, truth, whole,
} from "./common.mjs";
import { foldsOf } from "./share.mjs";

const MOST_LAYERS = 28;

// What a layer is unless it says otherwise. One that does not grow is, without channels, a pooling or depthwise.
const PLAIN = {
  name: "", kind: null, stride: 1, padding: 0, dilation: 1, convention: "tensorflow", output_padding: 0, ceil_mode: false,
  channels: null, bias: true, depthwise: false,
};
const complete = (layer) => ({ ...PLAIN, ...(layer.kind === "resize" && { stride: layer.kernel_size }), ...layer });

const channels = whole(1, 2048);
const sides = whole(0, 15);
export const LAYER_RULES = {
  name: text(200),
  kind: either(oneOf(["transposed", "resize"]), nothing),
  kernel_size: whole(1, 16),
  stride: whole(1, 16),
  padding: either(sides, pairOf(sides, "two, (before, after)"), oneOf(["valid", "same", "full", "causal"])),
  dilation: whole(1, 8),
  convention: oneOf(["tensorflow", "onnx-lower", "pytorch"]),
  output_padding: whole(0, 15),
  ceil_mode: truth,
  channels: either(channels, nothing),
  bias: truth,
  depthwise: truth,
};
function checkLayer(layer, name) {
  try {
    check(complete(layer), LAYER_RULES);
  } catch (error) {
    throw new Error(`${name}: ${error.message}`);
  }
  const foreign = Object.keys(layer).find((key) => !Object.hasOwn(LAYER_RULES, key));
  if (foreign !== undefined) throw new Error(`${name} must be of known settings, got ${quoted(foreign)}.`);
  const fault = FAULTS.find(([, isAtFault]) => isAtFault(complete(layer)));
  if (fault) throw new Error(`${name}: ${fault[0]}`);
}
// What does not go together.
const isWeighted = ({ channels, depthwise }) => channels || depthwise;
const FAULTS = [
  ["a depthwise layer must have no channels of its own.", ({ depthwise, channels }) => depthwise && channels],
  ["ceil_mode must be false but in a pooling.", (layer) => layer.ceil_mode && (layer.kind || isWeighted(layer))],
  ["output_padding must be 0 but in a transposed convolution.", ({ output_padding: more, kind }) => more && kind !== "transposed"],
  ["a layer that grows must not be depthwise.", ({ kind, depthwise }) => kind && depthwise],
  ["a resize must have its factor alone: no channels, padding, dilation or other stride.", (layer) => layer.kind === "resize"
    && (layer.channels || [layer.padding].flat().some(Boolean) || layer.dilation > 1 || layer.stride !== layer.kernel_size)],
  ["padding “causal” is for a convolution of Keras.", ({ padding, convention, ceil_mode, kind }) => padding === "causal"
    && (convention !== "tensorflow" || ceil_mode || kind)],
];
export const RULES = {
  dimensions: whole(1, 2),
  input_size: whole(1, 1024),
  in_channels: channels,
  layers: listOf(checkLayer, 1, MOST_LAYERS),
  editing: whole(0, MOST_LAYERS - 1),
  selected: either(nothing, pairOf(whole(0, 65_535), "(layer, unit) from 0 on")),
  examples: EXAMPLES,
};
const START = { stride: 2, padding: "valid", kernel_size: 3 };
const POOL = { kernel_size: 2, stride: 2 };
export const DEFAULTS = {
  dimensions: 2,
  input_size: 28,
  in_channels: 1,
  layers: [
    { name: "conv1", channels: 32, ...START }, { name: "pool1", ...POOL },
    { name: "conv2", channels: 64, ...START }, { name: "pool2", ...POOL },
  ],
  editing: 0,
  selected: null,
};

/** The image and the map of each layer, and the pixels that no unit of the last one depends on. */
export function settle({ dimensions, input_size: size, in_channels: channels, layers }) {
  const levels = levelsOf({ size, channels, dimensions }, layers.map(complete));
  const [read] = dependencies(levels, layers.length, range(levels.at(-1).size));
  return { dimensions, levels, unread: range(size).filter((pixel) => !read.includes(pixel)) };
}

let settled = {}; // the last stack, since a choice is tried before it is drawn

/** What is drawn of a setting, if it can be. */
function sceneOf(setting) {
  const now = key(setting);
  if (settled.key !== now) settled = { key: now, scene: settle(setting) };
  return settled.scene;
}

function fit(setting) {
  const last = setting.layers.length - 1;
  if (setting.editing > last) throw new Error(`editing must be a layer from 0 to ${last}, got ${setting.editing}.`);
  const { levels } = sceneOf(setting);
  if (!setting.selected) return {};
  const layer = Math.min(setting.selected[0], last);
  return { selected: [layer, Math.min(setting.selected[1], levels[layer + 1].size - 1)] };
}

/** A setting without what each layer is anyway. */
function lean(setting) {
  const told = (layer) => Object.keys(LAYER_RULES).filter((name) => layer[name] !== PLAIN[name] && name in layer);
  return { ...setting, layers: setting.layers.map((layer) => pickOf(told(layer), layer)) };
}

const adapt = (setting) => ({ ...setting, layers: setting.layers.map(complete) });

// The drawing: a row of units for each level, the image at the bottom. Its x are pixels of the image, its y of CSS.
const HIGH = 16; // a unit
const HATCH = "m0 8l.5-8m-.5 16l1-16m-.5 16l.5-8"; // a pixel
const ROOM = 560; // for a row, where there is room
const WIDEST = 26; // a unit, so that a small image has no slabs

/** Where everything stands. */
function arrange(levels) {
  const { size } = levels[0];
  const ends = levels.flatMap(({ first, size, jump }, level) => {
    const { before, after } = levels[level + 1] ?? { before: 0, after: 0 };
    return [first - before * jump, first + (size - 1 + after) * jump];
  });
  const left = Math.max(Math.min(...ends) - 1, -size); // padding far out would leave the image no room
  const width = Math.min(Math.max(...ends) + 1, 2 * size) - left;
  const scale = Math.min(WIDEST, ROOM / width);
  const pitch = clamp(Math.round(480 / levels.length), 30, 56);
  const rows = levels.map(({ first, jump }, level) => ({
    first,
    jump,
    isBar: jump * scale < 6, // too narrow to tell units apart
    half: (jump * scale < 6 ? jump : clamp(8 / scale, 1, jump)) / 2,
    y: (levels.length - 1 - level) * pitch + (pitch - HIGH) / 2,
  }));
  return { left, width, pitch, rows };
}

/** The edges of a row's units from one place to another. */
const edges = ({ first, jump, half }, from, to) => [first + from * jump - half, first + to * jump + half];

/** Runs of a row's units, as one path. */
const units = (row, groups) =>
  groups.map(([from, to]) => {
    const [left, right] = edges(row, from, row.isBar ? to : from);
    const shape = `h${right - left}v${HIGH}h${left - right}z`;
    return `M${left} ${row.y}${shape}` + (row.isBar ? "" : `m${row.jump} 0${shape}`.repeat(to - from));
  }).join("");

const path = (look, shape) => (shape ? `<path class="${look}" d="${shape}"/>` : "");

/** All units, and a hatch on pixels nobody reads. */
function drawMaps({ levels, unread }, rows) {
  const hatch = unread.map((pixel) => `M${pixel - 0.5} ${rows[0].y}${HATCH}`);
  const maps = rows.map((row, level) => units(row, [[0, levels[level].size - 1]]));
  return path("unit", maps.join("")) + path("unread", hatch.join(""));
}

/** What a unit depends on at each level, and the room between. */
function drawField({ levels }, rows, places) {
  const top = places.length - 1;
  const shapes = { cone: "", field: "", padding: "", chosen: "" };
  places.forEach((here, level) => {
    const [row, upper] = [rows[level], rows[level + 1]];
    const within = inside(here, levels[level]);
    shapes[level < top ? "field" : "chosen"] += units(row, runs(within));
    shapes.padding += units(row, runs(here.filter((place) => place < 0 || place >= levels[level].size)));
    if (level === top || !here.length) return; // nothing is below padding
    const [from, to] = edges(row, here[0], here.at(-1));
    const readers = inside(places[level + 1], levels[level + 1]);
    const [left, right] = edges(upper, readers[0], readers.at(-1));
    shapes.cone += `M${left} ${upper.y + HIGH}H${right}L${to} ${row.y}H${from}z`;
  });
  return Object.entries(shapes).map(([look, shape]) => path(look, shape)).join("");
}

/** The image: a comb of columns and one of rows over what nobody reads, and the field of a unit on the diagonal. */
function drawImage({ levels: [{ size }], unread }, read) {
  const percent = (pixels) => `${(100 * pixels) / size}%`;
  const teeth = runs(unread).flatMap(([from, to]) => [[from, 0], [from, size], [to + 1, size], [to + 1, 0]]);
  const corners = [[0, 0], ...teeth, [0, 0], ...teeth.map(([x, y]) => [y, x]).reverse()]; // turned the same way
  const points = corners.map((corner) => corner.map(percent).join(" "));
  const [start, side] = [read[0], read.at(-1) - read[0] + 1].map(percent);
  const field = `<i class="field" style="left:${start};top:${start};width:${side}"></i>`;
  return `<i class="unread" style="clip-path:polygon(${points})"></i>${read.length ? field : ""}`;
}

// What of a level the table shows.
const NUMBERS = ["size", "jump", "field", "start", "parameters", "macs"];

const entry = (name, text, type) => `<label>${text}<input part="${name}" autocomplete="off" ${type}></label>`;
const numeric = `type="number" min="${channels.low}" max="${channels.high}"`;

const template = `
  <div class="settings network" part="settings">
  ${menu("example", "network", "<option value='' hidden>your own")}
  ${menu("dimensions", "input is", "<option value='2'>an image<option value='1'>a signal")}
  ${entry("in_channels", "input channels", numeric)}
  </div>
  <div class="layer" role="group" aria-label="Layer">
  <div class="settings" part="layer">
  ${menu("editing", "change layer", "")}
  ${entry("name", "its name", 'spellcheck="false"')}
  ${menu("kind", "kind", `<option>convolution<option>convolution, no bias<option>depthwise<option>depthwise, no bias
    <option>pooling<option>transposed<option>transposed, no bias<option>resize`)}
  ${entry("channels", "channels", numeric)}
  ${menu("padding", "padding", `${PADDINGS}<option>causal`)}
  <label class="check"><input type="checkbox" part="ceil_mode"> round up (ceil_mode)</label>
  </div>
  <div class="bar">
  <button part="add">Add a layer after it</button>
  <button part="remove">Remove it</button>
  <button part="earlier">Move it earlier</button>
  <button part="later">Move it later</button>
  </div>
  </div>
  <p class="problem" role="alert" part="problem"></p>
  <div class="pyramid" part="pyramid">
  <div part="labels"></div>
  <svg part="units" tabindex="0" role="slider" aria-label="Unit" aria-valuemin="0" preserveAspectRatio="none"
    ><g></g><g></g></svg>
  <div><div part="image"></div>the field on the image</div>
  </div>
  <ul class="legend">
  <li class="chosen">unit: click another, or press arrow keys<li class="field">what it depends on
  <li class="padding">padding<li class="unread" part="unreadName">
  </ul>
  <p aria-live="polite" part="words"></p>
  <div class="numbers" tabindex="0" role="group" aria-label="All layers in numbers"><table>
  <thead><tr><th scope="col">${["layer", "output", ...NUMBERS.slice(1, -1), "MACs"].join('<th scope="col">')}</thead>
  <tbody part="rows"></tbody>
  <tfoot><tr><th scope="row" colspan="5">in all<td part="parameters"><td part="macs"></tfoot>
  </table></div>
  <p part="steps"></p>`;

const ALONG = { Home: -Infinity, ArrowLeft: -1, ArrowRight: 1, End: Infinity }; // a map, by units
const ACROSS = { ArrowUp: 1, ArrowDown: -1 }; // to the next map

/** A node's children, made as many as there are things to show. */
function children(node, count, child) {
  while (node.children.length > count) node.lastChild.remove();
  while (node.children.length < count) node.insertAdjacentHTML("beforeend", child);
  return [...node.children];
}

function kindOf({ kind, channels, bias, depthwise }) {
  const weighted = depthwise ? "depthwise" : kind ?? (channels && "convolution");
  return weighted && weighted !== "resize" ? weighted + (bias ? "" : ", no bias") : kind ?? "pooling";
}

const paddingKind = ({ padding, convention }) =>
  padding === "same" ? convention : Array.isArray(padding) ? "sides" : Number.isInteger(padding) ? "number" : padding;

/** A stack as text, the same for the same stack. */
const key = ({ dimensions, input_size, in_channels, layers }) =>
  JSON.stringify([dimensions, input_size, in_channels, layers.map(complete)]);

// What the buttons make of the layers, and the place of the one edited next.
const RESTACKS = {
  add: (layers, at, added) => [layers.toSpliced(at + 1, 0, added), at + 1],
  remove: (layers, at) => [layers.toSpliced(at, 1), Math.min(at, layers.length - 2)],
  earlier: (layers, at) => swap(layers, at, at - 1),
  later: (layers, at) => swap(layers, at, at + 1),
};
const swap = (layers, at, to) => [layers.with(at, layers[to]).with(to, layers[at]), to];

function render({ model, el }) {
  const view = openView({
    model, el, name: "receptive-field-explorer", template, rules: RULES, defaults: DEFAULTS, adapt, fit, showControls,
    update, lean, folds: foldsOf(),
  });
  const { part, read, write, choose } = view;
  const [maps, fields] = part.units.children;
  const examples = model.get("examples");
  const isSound = (stack) => !problemOf(() => check({ ...stack, editing: 0, examples: {} }, RULES));
  const sound = Object.entries(examples).filter(([, stack]) => isSound(stack));
  const keys = Object.fromEntries(sound.map(([name, stack]) => [name, key(stack)]));
  for (const name in examples) part.example.add(new Option(name));

  let scene; // what is drawn
  let plan; // where its parts stand
  let drawn; // and from what
  let held; // where a pointer went down, and the level along which it moves

  const edited = ({ layers, editing } = read()) => complete(layers[editing]);
  const levelAt = (level) => clamp(level, 1, scene.levels.length - 1);

  /** The selected unit: its level, and its place there. */
  function selected() {
    const [layer, unit] = model.get("selected") ?? [Infinity, null];
    const level = levelAt(layer + 1);
    const { size } = scene.levels[level];
    return [level, Math.min(unit ?? size >> 1, size - 1)];
  }

  const edit = (changes) => {
    const { layers, editing } = read();
    const layer = { ...edited(), ...changes };
    if (layer.kind === "resize") layer.stride = layer.kernel_size;
    choose({ layers: layers.with(editing, layer) });
  };

  /** A slider, hidden where its number does not exist; returns what shows a setting in it. */
  function slider(parent, name, caption, change, numberOf = (setting) => setting[name]) {
    const key = `${view.id}-${parent.part}-${parent.children.length}`;
    const [label, output, input] = addSlider(parent, key, name, RULES[name] ?? LAYER_RULES[name], change);
    say(label, caption);
    return (setting) => {
      const number = numberOf(setting);
      input.parentNode.hidden = typeof number !== "number";
      say(output, number ?? "");
      input.value = number;
    };
  }
  const sliders = [
    slider(part.settings, "input_size", "input size", (size) => choose({ input_size: size })),
    ...["kernel_size", "stride", "dilation", "padding", "output_padding"].map((name) => {
      const isOf = ({ kind }) => name === "kernel_size" || (name === "output_padding" ? kind === "transposed" : kind !== "resize");
      const numberOf = (setting) => isOf(setting) && setting[name];
      return slider(part.layer, name, name.replace("_", " "), (number) => edit({ [name]: number }), numberOf);
    }),
    ...["before", "after"].map((name, side) => {
      const change = (number) => edit({ padding: edited().padding.with(side, number) });
      return slider(part.layer, "padding", `padding ${name}`, change, ({ padding }) => padding[side]);
    }),
  ];

  function showControls(setting) {
    const { layers, editing } = setting;
    const layer = { ...setting, ...edited(setting) };
    for (const showSlider of sliders) showSlider(layer);
    children(part.editing, layers.length, "<option>").forEach((option, index) => {
      say(option, `${index + 1} ${layers[index].name ?? ""}`);
    });
    part.editing.selectedIndex = editing;
    part.padding.value = paddingKind(layer);
    part.kind.value = kindOf(layer);
    part.channels.parentNode.hidden = !layer.channels;
    part.padding.parentNode.hidden = layer.kind === "resize";
    part.ceil_mode.parentNode.hidden = layer.kind || isWeighted(layer);
    part.ceil_mode.checked = layer.ceil_mode;
    part.dimensions.value = setting.dimensions;
    for (const name of ["name", "channels", "in_channels"]) {
      if (part[name].value !== `${layer[name]}`) part[name].value = layer[name]; // else the caret would jump
    }
    part.add.disabled = layers.length === MOST_LAYERS;
    part.remove.disabled = layers.length === 1;
    part.earlier.disabled = !editing;
    part.later.disabled = editing === layers.length - 1;
    const now = key(setting);
    const fits = (name) => keys[name] === now;
    if (!fits(part.example.value)) part.example.value = Object.keys(keys).find(fits) ?? "";
  }

  function showScene() {
    const { levels, dimensions } = scene;
    plan = arrange(levels);
    const high = plan.pitch * levels.length;
    part.pyramid.style.cssText = `--pitch:${plan.pitch}px;--high:${high}px;--widest:${plan.width * WIDEST}px`;
    part.units.setAttribute("viewBox", `${plan.left} 0 ${plan.width} ${high}`);
    put(maps, drawMaps(scene, plan.rows));
    children(part.labels, levels.length, "<div><b></b><span>").forEach((label, index) => {
      const level = levels.at(-1 - index);
      say(label.firstChild, level.name);
      say(label.lastChild, level.kernel_size ? `sees ${isUneven(level) ? "up to " : ""}${grouped(level.field)}` : "");
    });
    const line = `<tr><th scope="row"><span></span><small></small>${"<td>".repeat(6)}`;
    children(part.rows, levels.length, line).forEach((row, index) => {
      const [head, ...numbers] = row.children;
      say(head.firstChild, levels[index].name);
      say(head.lastChild, index ? brief(levels[index], dimensions) : "");
      const shown = (name) => (name === "jump" ? showJump(levels[index]) : grouped(levels[index][name]));
      NUMBERS.forEach((name, column) => say(numbers[column], shown(name)));
    });
    part.image.parentNode.hidden = dimensions === 1;
    say(part.unreadName, `${dimensions > 1 ? "pixel" : "sample"} never read`);
    for (const name of ["parameters", "macs"]) say(part[name], grouped(levels.reduce((sum, level) => sum + level[name], 0)));
  }

  function showEdited() {
    const level = levelAt(model.get("editing") + 1);
    [...part.rows.children].forEach((row, index) => (row.ariaCurrent = index === level));
    say(part.steps, derive(scene.levels[level - 1], scene.levels[level]));
  }

  function showField() {
    const [level, unit] = selected();
    const { name, size } = scene.levels[level];
    const places = dependencies(scene.levels, level, [unit]);
    const seen = inside(places[0], scene.levels[0]);
    put(fields, drawField(scene, plan.rows, places));
    put(part.image, drawImage(scene, seen));
    say(part.words, `${tell(scene, level, unit, seen.length)} ${tellUnread(scene)}`);
    part.units.ariaValueMax = size - 1;
    part.units.ariaValueNow = unit;
    part.units.ariaValueText = `unit ${unit} of ${name}`;
  }

  function update() {
    const now = key(read());
    if (now !== drawn) {
      scene = sceneOf(read());
      drawn = now;
      showScene();
    }
    showEdited();
    showField();
  }

  part.example.onchange = () => choose({ ...examples[part.example.value], editing: 0, selected: null });
  part.editing.onchange = () => choose({ editing: part.editing.selectedIndex });
  part.rows.onclick = ({ target }) => {
    const index = [...part.rows.children].indexOf(target.closest("tr"));
    if (index > 0) choose({ editing: index - 1 });
  };

  for (const [name, change] of [["channels", edit], ["in_channels", choose]]) {
    part[name].oninput = ({ target }) => {
      if (target.value && target.checkValidity()) change({ [name]: Number(target.value) });
      else say(part.problem, `A number of channels is whole, from ${channels.low} to ${channels.high}.`);
    };
  }
  const mapOf = (layer) => scene.levels[levelAt(layer + 1)];
  part.name.oninput = () => edit({ name: part.name.value });
  part.kind.onchange = () => {
    const [name, unbiased] = part.kind.value.split(", ");
    const { channels } = mapOf(read().editing);
    const kind = ["transposed", "resize"].includes(name) ? name : null;
    const weighted = { channels: ["convolution", "transposed"].includes(name) ? channels : null, bias: !unbiased };
    const plain = { kind, depthwise: name === "depthwise", output_padding: 0, ceil_mode: false };
    edit({ ...weighted, ...plain, ...(kind === "resize" && { dilation: 1, padding: 0 }) });
  };
  part.ceil_mode.onchange = () => edit({ ceil_mode: part.ceil_mode.checked });
  part.dimensions.onchange = () => choose({ dimensions: Number(part.dimensions.value) });
  part.padding.onchange = () => {
    const { before, after } = mapOf(read().editing);
    const cells = [before, after].map((count) => clamp(count, sides.low, sides.high));
    edit(paddingOf(part.padding.value, cells[0], cells));
  };

  for (const [name, restack] of Object.entries(RESTACKS)) {
    part[name].onclick = () => {
      const { layers, editing } = read();
      const added = { kernel_size: 3, padding: "same", channels: mapOf(editing).channels };
      const [restacked, place] = restack(layers, editing, added);
      choose({ layers: restacked, editing: place, selected: null });
    };
  }

  function select(level, unit) {
    write({ selected: [level - 1, clamp(unit, 0, scene.levels[level].size - 1)] });
  }
  /** The unit of a level nearest to a place. */
  const nearest = (level, x) => Math.round((x - scene.levels[level].first) / scene.levels[level].jump);
  /** Where a pointer is, in the units of the drawing. */
  const locate = ({ clientX, clientY }) =>
    new DOMPoint(clientX, clientY).matrixTransform(part.units.getScreenCTM().inverse());
  const follow = (event) => select(held.level, nearest(held.level, locate(event).x));
  part.units.onpointerdown = (event) => {
    const { pointerId, clientX: x, clientY: y } = event;
    part.units.setPointerCapture(pointerId);
    held = { x, y, level: levelAt(scene.levels.length - 1 - Math.floor(locate(event).y / plan.pitch)) };
  };
  part.units.onpointermove = (event) => {
    if (!part.units.hasPointerCapture(event.pointerId)) return;
    const isAlong = Math.abs(event.clientX - held.x) > Math.abs(event.clientY - held.y);
    if (isAlong) follow(event); // a finger that moves across the maps scrolls the page
  };
  part.units.onclick = (event) => held && follow(event);
  part.units.onkeydown = (event) => {
    const [level, unit] = selected();
    const { first, jump } = scene.levels[level];
    const next = levelAt(level + (ACROSS[event.key] ?? 0));
    if (event.key in ALONG) select(level, unit + ALONG[event.key]);
    else if (event.key in ACROSS) select(next, nearest(next, first + unit * jump));
    else return;
    event.preventDefault(); // the page would scroll
  };
  return view.start();
}

export default { render };
