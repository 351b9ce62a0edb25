// What the explorers share: the rules of a state, the arithmetic of one axis, words, and the parts of a view.
//
// Their modules import it by name. Neither host could resolve its address, so assets.py sets this text before a
// module for anywidget, and makes it a script of its own for the pages.

export const range = (count) => [...Array(count).keys()];
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
export const pair = (value) => (Array.isArray(value) ? value : [value, value]);
export const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);
export const pickOf = (names, setting) => Object.fromEntries(names.map((name) => [name, setting[name]]));
export const grid = (height, width, cell) => range(height).map((row) => range(width).map((column) => cell(row, column)));

// What a trait may be, as a function of its value and its name that throws a sentence for the reader unless it passes.
// A page may hold any JSON; the traits in Python have the same limits (tests/browser/test_states.py).

/** Throws the sentence; text is shown as text, but not all of it. */
function refuse(name, rule, value) {
  const kind = Array.isArray(value) ? `a list of ${value.length}` : value && typeof value === "object" ? "an object" : null;
  throw new Error(`${name} must be ${rule}, got ${kind ?? JSON.stringify(value)?.slice(0, 40) ?? "nothing"}.`);
}

/** A name that a reader wrote, between quotes. */
export const quoted = (name) => `“${(typeof name === "string" ? name : JSON.stringify(name)).slice(0, 40)}”`;

export const rule = (words, passes, ends) =>
  Object.assign((value, name) => passes(value) || refuse(name, words, value), { words, passes, ...ends });

const isWhole = (value, low, high) => Number.isInteger(value) && value >= low && value <= high;
export const isNumber = (value) => Number.isFinite(value) && Math.abs(value) <= 1e100; // so that sums are finite, too
const isPairOf = (value, passes) => Array.isArray(value) && value.length === 2 && value.every(passes);
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

export const whole = (low, high) =>
  rule(`a whole number from ${low} to ${high}`, (value) => isWhole(value, low, high), { low, high });
export const perAxis = (low, high) => {
  const { words, passes } = whole(low, high);
  const passesPair = (value) => passes(value) || isPairOf(value, passes);
  return rule(`${words}, or two, (rows, columns)`, passesPair, { low, high });
};
export const number = rule("a finite number up to 1e100", isNumber);
export const truth = rule("true or false", (value) => typeof value === "boolean");
export const text = (most) =>
  rule(`text of up to ${most} characters`, (value) => typeof value === "string" && value.length <= most);
export const oneOf = (words) => rule(`one of ${words.map((word) => `'${word}'`).join(", ")}`, (value) => words.includes(value));
const endsOf = ({ low, high }) => ({ low, high });
export const either = (...rules) =>
  rule(rules.map(({ words }) => words).join(", or "), (value) => rules.some(({ passes }) => passes(value)), endsOf(rules[0]));
export const pairOf = ({ passes }, words) => rule(words, (value) => isPairOf(value, passes));
export const nothing = rule("nothing", (value) => value === null || value === undefined);

/** A grid of numbers. */
export function cellsOf(low, high) {
  const isLong = (value) => Array.isArray(value) && value.length >= low && value.length <= high;
  const passes = (value) =>
    isLong(value) && value.every((row) => isLong(row) && row.length === value[0].length && row.every(isNumber));
  return rule(`a grid of ${low} to ${high} rows and columns of finite numbers up to 1e100`, passes, { low, high });
}

export const listOf = (check, low, high) => (value, name) => {
  if (!Array.isArray(value) || !isWhole(value.length, low, high)) refuse(name, `a list of ${low} to ${high}`, value);
  value.forEach((each, index) => check(each, `${name}[${index}]`));
};
export const objectOf = (checks) => (value, name) => {
  if (!isObject(value)) refuse(name, "an object", value);
  for (const [key, check] of Object.entries(checks)) check(value[key], `${name}: ${key}`);
};

/** Settings by name, each checked when it is chosen. */
export const EXAMPLES = rule("up to 64 settings by name", (value) => {
  if (!isObject(value)) return false;
  const settings = Object.entries(value);
  return settings.length <= 64 && settings.every(([name, setting]) => name.length <= 200 && isObject(setting));
});

/** Throws a sentence for the reader unless each trait of a state passes. */
export function check(state, rules) {
  for (const [name, check] of Object.entries(rules)) check(state[name], name);
}

/** Numbers from 0 up to 1 out of a seed: a counter, each of whose values is mixed as MurmurHash3 mixes its last. */
export function randomStream(seed, purpose) {
  const mix = (value) => {
    let bits = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    return bits ^ (bits >>> 16);
  };
  let counter = mix(mix(seed) + purpose);
  return () => (mix((counter = (counter + 0x9e3779b9) | 0)) >>> 0) / 2 ** 32;
}

/** Cells of padding before and after an axis. */
function pads(size, reach, { stride, padding, convention }) {
  if (padding === "valid") return [0, 0];
  if (padding === "full") return [reach - 1, reach - 1];
  if (padding !== "same") return pair(padding);
  if (convention === "pytorch" && stride > 1) throw new Error(`PyTorch has no “same” padding with stride ${stride}.`);
  const total = Math.max(0, Math.floor((size - 1) / stride) * stride + reach - size);
  const less = total >> 1;
  return convention === "onnx-lower" ? [total - less, less] : [less, total - less];
}

/**
 * One axis: its padding and its stops. Throws a sentence for the reader if no window fits.
 *
 * With `ceil_mode` a last window may hang over the end, if it starts inside the input or before it, as in torch.
 */
export function axis(size, window, [kernel, input] = ["kernel", "the input"]) {
  const { kernel_size: taps, stride, dilation = 1, ceil_mode = false } = window;
  const reach = dilation * (taps - 1) + 1;
  const [before, after] = pads(size, reach, window);
  const room = before + size + after - reach;
  const whole = Math.floor(room / stride) + 1;
  const rest = ceil_mode && window.padding !== "same" && room % stride !== 0;
  const hangs = rest && whole * stride < before + size;
  const count = whole + hangs;
  if (count < 1) {
    const padded = before + size + after;
    throw new Error(`The ${kernel} spans ${reach} pixels, but ${input} has ${padded}, padding included.`);
  }
  const padded = Math.max(before + size + after, (count - 1) * stride + reach);
  return { size, taps, stride, dilation, reach, before, after, padded, room, hangs, isLeftOut: rest && !hangs, count };
}

/** A stop on both axes, moved inside. */
export const limit = (stops, axes) => stops.map((stop, side) => clamp(stop, 0, axes[side].count - 1));

export const isInput = ({ before, size }, index) => index >= before && index < before + size;

// Drawing

export const CELL = 40; // user units a side
export const MARKS = { unread: "m0 20l20-20m20 0l-40 40m20 0l20-20", unused: "m5 20h30" }; // hatch, dash

export const at = (row, column) => `M${column * CELL} ${row * CELL}`;
export const box = (height, width) => `h${width * CELL}v${height * CELL}h-${width * CELL}z`;
export const square = (row, column) => at(row, column) + box(1, 1);

/** A window: its taps, and a line around them. */
export function windowOf(taps, rows, columns) {
  const outline = `d="M0 0${box(rows.reach, columns.reach)}"/>`;
  return `<path d="${taps}"/><path class="casing" ${outline}<path class="outline" ${outline}`;
}

// Colors. They are the same in light and dark, as in the figures, so that a canvas need not follow the theme.

/** The 511 steps between three colors of the palette, as pixels: red, green, blue and opacity from the lowest byte. */
export function ramp(...names) {
  const style = getComputedStyle(document.documentElement);
  const [low, middle, high] = names.map((name) => {
    const digits = style.getPropertyValue(`--book-${name}`).match(/\w\w/g);
    return digits.map((pair) => parseInt(pair, 16));
  });
  const mix = (end, share) => middle.map((from, part) => Math.round(from + share * (end[part] - from)));
  const pixel = ([red, green, blue]) => 0xff000000 + 0x10000 * blue + 0x100 * green + red;
  return Uint32Array.from(range(511), (step) => pixel(mix(step < 255 ? low : high, Math.abs(step - 255) / 255)));
}

/** Gives a canvas its size, which empties it and takes as long as to paint twenty, so only where it is new. */
export function resize(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  return canvas;
}

let lastSheet = {}; // the last one: a strip needs as many alike as it has maps

/** The pixels of a canvas, and for each the place of the value that it shows if values are stretched over it. */
function sheetOf({ width, height }, across, down) {
  const key = `${[width, height, across, down]}`;
  if (lastSheet.key !== key) {
    const places = new Uint32Array(width * height);
    for (let y = 0, pixel = 0; y < height; y++) {
      const start = Math.floor((y * down) / height) * across;
      for (let x = 0; x < width; x++) places[pixel++] = start + Math.floor((x * across) / width);
    }
    lastSheet = { key, places, image: new ImageData(width, height) };
  }
  return lastSheet;
}

/** Puts values on a canvas; the largest gets the last color of the ramp, its negative the first. */
export function paint(canvas, values, width, largest, colors) {
  const { places, image } = sheetOf(canvas, width, values.length / width);
  const pixels = new Uint32Array(image.data.buffer);
  const steps = 255 / largest;
  const shades = new Uint32Array(values.length);
  for (let place = 0; place < values.length; place++) shades[place] = colors[Math.floor(values[place] * steps + 255.5)];
  for (let pixel = 0; pixel < pixels.length; pixel++) pixels[pixel] = shades[places[pixel]];
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// Words

export const line = (name, value) => `<div>${name}</div><div>= ${value}</div>`;
export const floored = (above, below, [left, right] = "⌊⌋") =>
  `<span class="floor"><b>${left}</b><span><span>${above}</span><span>${below}</span></span><b>${right}</b></span>`;

/** The size formula with the numbers of each axis in it. */
export function formula(...axes) {
  const [down, across] = axes.map(({ size, before, after, taps, dilation, stride, room, hangs, count }) => {
    const brackets = hangs ? "⌈⌉" : "⌊⌋";
    const reach = dilation > 1 ? `(${dilation}·(${taps} − 1) + 1)` : taps;
    const first = floored(`${size} + ${before} + ${after} − ${reach}`, stride, brackets);
    return `${first} + 1 = ${floored(room, stride, brackets)} + 1 = ${count - 1} + 1 = <strong>${count}</strong>`;
  });
  return down === across ? line("rows, columns", down) : line("rows", down) + line("columns", across);
}

/** What no window reads, in words. */
export function remark(rows, columns, [missed, met] = ["pixels are never read", "pixels are read"]) {
  const unread = [rows, columns].map(({ size, before, isRead }) => range(size).filter((index) => !isRead(index + before)));
  const all = rows.size * columns.size;
  const lost = all - (rows.size - unread[0].length) * (columns.size - unread[1].length);
  const lines = ["row", "column"].map((noun, side) => unread[side].length && `${noun} ${unread[side].join(", ")}`);
  return lost ? `${lost} of ${all} ${missed}: ${lines.filter(Boolean).join("; ")}.` : `All ${all} ${met}.`;
}

// Parts of a view

/** Sets what is new, and only that: the rest need not be laid out again. */
export function put(node, content, kind = "innerHTML") {
  if (node.lastPut !== content) node[kind] = node.lastPut = content;
}

/** The same for text, which may be the reader's, and whose node is kept. */
export const say = (node, text) => put(node.firstChild ?? node, `${text}`, "textContent");

export const menu = (name, text, options) => `<label>${text}<select part="${name}">${options}</select></label>`;

export const PADDINGS = `<option value="number">a number<option value="sides">a number a side<option>valid
    <option value="tensorflow">same (TensorFlow, Keras, JAX)<option value="pytorch">same (PyTorch)
    <option value="onnx-lower">same (ONNX, lower)<option>full`;

/** The padding that is chosen there, where `number` or `sides` are the cells that there were. */
export function paddingOf(kind, number, sides) {
  const kinds = { number, sides, valid: "valid", full: "full", causal: "causal" };
  return kind in kinds ? { padding: kinds[kind], convention: "tensorflow" } : { padding: "same", convention: kind };
}

/** A slider below its label and its number; returns the three. */
export function addSlider(parent, id, name, { low, high }, change) {
  const slot = document.createElement("div");
  slot.innerHTML = `<label for="${id}"></label><output for="${id}"></output>
    <input type="range" id="${id}" name="${name}" min="${low}" max="${high}">`;
  parent.append(slot);
  const [label, output, input] = slot.children;
  input.oninput = () => change(Number(input.value));
  return [label, output, input];
}

// JupyterLab would take the arrow keys for itself.
export const keepKeys = (el) => {
  el.onkeydown = (event) => ["Escape", "Tab"].includes(event.key) || event.stopPropagation();
};

/** A fold below an explorer, of which `foldOf` gives the title and what fills it; returns what shows a setting there. */
function addFold(el, foldOf, parts) {
  const fold = document.createElement("details");
  fold.className = "fold";
  const [title, fill] = foldOf({ ...parts, fold });
  fold.innerHTML = `<summary>${title}</summary><div></div>`;
  el.append(fold);
  let show;
  const refresh = () => fold.open && (show ??= fill(fold.lastChild))(parts.now());
  fold.ontoggle = refresh;
  return refresh;
}

let instances = 0;

const LAST = "the last setting that fits";

/** Does something that may throw a sentence for the reader; returns the sentence. */
export function problemOf(act) {
  try {
    act();
    return "";
  } catch (error) {
    if (error.constructor !== Error) throw error; // no sentence of ours
    return error.message;
  }
}

/**
 * Fills an element with an explorer, tied to its model, whose traits have `rules` and `defaults`.
 *
 * `fit` takes a state that passes the rules, and throws a sentence for the reader if it cannot be drawn, or returns
 * what changes with it; `adapt` first makes what the reader has chosen fit. `showControls` and `update` draw. What is in
 * `given` is the page's, and in no address; `lean` leaves out of a setting what goes without saying. `folds` stand below, and
 * `picture` is what the reader may put in the place of the image.
 */
export function openView(explorer) {
  const { model, el, name, template, rules, defaults, adapt = (state) => ({ ...state }), fit, showControls, update } = explorer;
  const { lean = (state) => state, given: givens = [], picture, folds = [] } = explorer;
  const id = `${name}-${++instances}`;
  el.classList.add("book-explorer");
  el.innerHTML = template;
  keepKeys(el);
  const part = Object.fromEntries([...el.querySelectorAll("[part]")].map((node) => [node.part.value, node]));
  let pending = {}; // choices that do not fit, until another makes them

  const own = Object.keys(rules).filter((name) => !["examples", ...givens].includes(name) && !name.startsWith("_"));
  const given = () => Object.fromEntries(Object.keys(rules).map((name) => [name, model.get(name)]));
  const read = () => ({ ...given(), ...pending });

  function write(changes) {
    model.set(changes);
    model.save_changes();
  }

  const tell = (problem, drawn) => say(part.problem, problem && `${problem} The drawing shows ${drawn}.`);

  /** Sets traits if all of them fit together; returns whether they do. */
  function choose(changes) {
    const chosen = { ...read(), ...changes };
    let [problem, wanted] = [problemOf(() => check(chosen, rules))];
    if (!problem) {
      pending = chosen;
      wanted = adapt(chosen);
      problem = problemOf(() => Object.assign(wanted, fit(wanted)));
      if (problem) showControls(chosen);
    }
    if (problem) tell(problem, LAST);
    else write(wanted);
    return !problem;
  }

  const problemNow = () => problemOf(() => check(given(), rules) ?? fit(given()));

  function redraw() {
    const problem = problemNow();
    if (!problem) {
      pending = {};
      showControls(given());
      update();
    }
    tell(problem, LAST);
    for (const refresh of refreshers) refresh();
  }

  /** What a setting becomes that an address asks for. Throws a sentence for the reader unless all of it can be. */
  function asked({ example, ...values }) {
    const examples = model.get("examples") ?? {};
    const foreign = Object.keys(values).find((name) => !own.includes(name));
    if (foreign !== undefined) throw new Error(`this explorer has no ${quoted(foreign)}; it has ${own.join(", ")}.`);
    if (example !== undefined && !Object.hasOwn(examples, example)) throw new Error(`this explorer has no example ${quoted(example)}.`);
    const wanted = { ...given(), ...pickOf(own, { ...defaults, ...examples[example] }), ...values };
    check(wanted, rules);
    const fitted = { ...wanted, ...fit(wanted) };
    const moved = Object.keys(values).find((name) => !isSame(fitted[name], values[name]));
    if (moved) throw new Error(`${moved} must be one that is there, got ${JSON.stringify(values[moved]).slice(0, 40)}.`);
    return pickOf(own, adapt(fitted));
  }

  const refuseAddress = (problem) => say(part.problem, problem && `The address is not followed: ${problem}`);

  /** Sets what an address asks for, or says why not. */
  function follow(values) {
    let wanted;
    const problem = problemOf(() => (wanted = asked(values)));
    if (wanted) {
      pending = {};
      write(wanted);
    }
    refuseAddress(problem);
  }

  const refused = problemNow();
  if (refused) {
    const examples = model.get("examples"); // those that pass remain to choose from
    model.set({ ...defaults, ...(rules.examples && { examples: rules.examples.passes(examples) ? examples : {} }) });
  }

  const closing = []; // what folds do when the view goes
  const parts = { model, el, id, name, own, rules, given: givens, defaults, lean, picture, now: given, read, choose, closing };
  const refreshers = [picture?.fold, ...folds].filter(Boolean).map((foldOf) => addFold(el, foldOf, parts));

  /** Draws now and after each change; returns the clean-up. */
  function start() {
    model.on("change", redraw);
    redraw();
    if (refused) tell(refused, "its default");
    if (model.page) model.page.view = { follow, refuseAddress };
    return () => {
      model.off("change", redraw);
      for (const close of closing) close();
    };
  }

  return { id, part, read, write, choose, start };
}

export const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const STEPS = { ...ARROWS, Home: [-99, -99], End: [99, 99] };

/** Lets pointer and keys move a window over what it lies on, and choose its stop in the map of stops. */
export function steer({ input, output, frame, sides, selected, select }) {
  let grip; // where the window is held, from its corner
  // Where a pointer is in a drawing, in cells.
  const cellAt = (svg, { clientX, clientY }) => {
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [y / CELL, x / CELL];
  };
  const follow = (event, grip) =>
    select(cellAt(input, event).map((at, side) => Math.round((at - grip[side]) / sides()[side].stride)));
  frame.onpointerdown = (event) => {
    frame.setPointerCapture(event.pointerId);
    const stops = selected();
    grip = cellAt(input, event).map((at, side) => at - stops[side] * sides()[side].stride);
  };
  frame.onpointermove = (event) => grip && follow(event, grip);
  frame.onlostpointercapture = () => (grip = null);
  input.onclick = (event) => {
    if (!frame.contains(event.target)) follow(event, sides().map(({ reach }) => reach / 2));
  };
  output.onclick = (event) => select(cellAt(output, event).map(Math.floor));
  input.onkeydown = (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault(); // the page would scroll
    select(selected().map((stop, side) => stop + step[side]));
  };
}
