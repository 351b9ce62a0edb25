// What the explorers share: the arithmetic of one axis, words, and the parts of a view.
//
// Their modules import it by name. Neither host could resolve its address, so assets.py sets this text before a
// module for anywidget, and makes it a script of its own for the pages.

export const range = (count) => [...Array(count).keys()];
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
export const pair = (value) => (Array.isArray(value) ? value : [value, value]);

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

/** One axis: its padding and its stops. Throws a sentence for the reader if no window fits. */
export function axis(size, window, [kernel, input] = ["kernel", "the input"]) {
  const { kernel_size: taps, stride, dilation = 1 } = window;
  const reach = dilation * (taps - 1) + 1;
  const [before, after] = pads(size, reach, window);
  const padded = before + size + after;
  const room = padded - reach;
  if (room < 0) throw new Error(`The ${kernel} spans ${reach} pixels, but ${input} has ${padded}, padding included.`);
  return { size, taps, stride, dilation, reach, before, after, padded, room, count: Math.floor(room / stride) + 1 };
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

// Words

export const line = (name, value) => `<div>${name}</div><div>= ${value}</div>`;
export const floored = (above, below) =>
  `<span class="floor"><b>⌊</b><span><span>${above}</span><span>${below}</span></span><b>⌋</b></span>`;

/** The size formula with the numbers of each axis in it. */
export function formula(...axes) {
  const [down, across] = axes.map(({ size, before, after, taps, dilation, stride, room, count }) => {
    const reach = dilation > 1 ? `(${dilation}·(${taps} − 1) + 1)` : taps;
    const first = floored(`${size} + ${before} + ${after} − ${reach}`, stride);
    return `${first} + 1 = ${floored(room, stride)} + 1 = ${count - 1} + 1 = <strong>${count}</strong>`;
  });
  return down === across ? line("rows, columns", down) : line("rows", down) + line("columns", across);
}

/** What no window reads, in words. */
export function remark(rows, columns) {
  const unread = [rows, columns].map(({ size, before, isRead }) => range(size).filter((index) => !isRead(index + before)));
  const all = rows.size * columns.size;
  const lost = all - (rows.size - unread[0].length) * (columns.size - unread[1].length);
  const lines = ["row", "column"].map((noun, side) => unread[side].length && `${noun} ${unread[side].join(", ")}`);
  return lost ? `${lost} of ${all} pixels are never read: ${lines.filter(Boolean).join("; ")}.` : `All ${all} pixels are read.`;
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
  const kinds = { number, sides, valid: "valid", full: "full" };
  return kind in kinds ? { padding: kinds[kind] } : { padding: "same", convention: kind };
}

/** A slider below its label and its number; returns the three. */
export function addSlider(parent, id, name, [min, max], change) {
  const slot = document.createElement("div");
  slot.innerHTML = `<label for="${id}"></label><output for="${id}"></output>
    <input type="range" id="${id}" name="${name}" min="${min}" max="${max}">`;
  parent.append(slot);
  const [label, output, input] = slot.children;
  input.oninput = () => change(Number(input.value));
  return [label, output, input];
}

// JupyterLab would take the arrow keys for itself.
export const keepKeys = (el) => {
  el.onkeydown = (event) => ["Escape", "Tab"].includes(event.key) || event.stopPropagation();
};

let instances = 0;

/**
 * Fills an element with an explorer, tied to its model.
 *
 * `names` are the traits that the reader sets. `fit` takes them, and throws a sentence for the reader if they cannot
 * be drawn, or returns what changes with them. `showControls` and `update` draw.
 */
export function openView({ model, el, name, template, names, fit, showControls, update }) {
  const id = `${name}-${++instances}`;
  el.classList.add("book-explorer");
  el.innerHTML = template;
  keepKeys(el);
  const part = Object.fromEntries([...el.querySelectorAll("[part]")].map((node) => [node.part.value, node]));
  let pending = {}; // choices that do not fit, until another makes them

  const read = () => ({ ...Object.fromEntries(names.map((name) => [name, model.get(name)])), ...pending });

  function write(changes) {
    model.set(changes);
    model.save_changes();
  }

  function show(problem) {
    showControls(read());
    say(part.problem, problem);
  }

  /** Sets traits if all of them fit together; returns whether they do. */
  function choose(changes) {
    pending = { ...read(), ...changes };
    let rest;
    try {
      rest = fit(pending);
    } catch (error) {
      show(`${error.message} The drawing shows the last setting that fits.`);
      return false;
    }
    write({ ...pending, ...rest });
    return true;
  }

  function redraw() {
    pending = {};
    show("");
    update();
  }

  /** Draws now and after each change; returns the clean-up. */
  function start() {
    model.on("change", redraw);
    redraw();
    return () => model.off("change", redraw);
  }

  return { id, part, read, write, choose, start };
}

const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const STEPS = { ...ARROWS, Home: [-99, -99], End: [99, 99] };

/** Lets pointer and keys move a window over its input, and choose its stop in the output. */
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
