// The convolution explorer: what a window reads, what it writes, and what it never reaches.
//
// Run by anywidget and by the built page (assets.py): it imports the common module alone and ends with its export.
// tests/golden/windows.json holds its arithmetic to helpers.arithmetic and helpers.convolution.

import {
  CELL, EXAMPLES, MARKS, PADDINGS, addSlider, at, axis, cellsOf, clamp, either, floored, formula, grid, ink, isInput,
  isNumber, limit, line, menu, oneOf, openView, paddingOf, pair, pairOf, perAxis, put, range, remark, say, square, steer,
  whole, windowOf,
} from "./common.mjs";

const SLIDERS = ["input_size", "kernel_size", "stride", "dilation", "padding"];
const MENUS = ["padding_mode", "image", "kernel"];
const GRIDS = [["image", "input_size"], ["kernel", "kernel_size"]];

// Inputs and kernels that exist at any size.
const isCenter = ({ row, column, height, width }) => row === height >> 1 && column === width >> 1;
const IMAGES = {
  digits: ({ row: y, column: x }) => ((y * y + 2 * x * x + 2 * y * x + 6 * y + 8 * x + 3) % 19) % 10,
  counting: ({ row, column, width }) => row * width + column + 1,
  edge: ({ column, width }) => (2 * column < width ? 0 : 9),
  dot: (at) => 9 * isCenter(at),
  seven: ({ row, column, height, width }) => ink((column + 0.5) / width, (row + 0.5) / height),
};
const KERNELS = {
  "vertical edges": ({ column, width }) => Math.sign(width - 1 - 2 * column),
  "horizontal edges": ({ row, height }) => Math.sign(height - 1 - 2 * row),
  outline: (at) => isCenter(at) * at.height * at.width - 1,
  mean: ({ height, width }) => 1 / (height * width),
  ones: () => 1,
  identity: (at) => +isCenter(at),
};

const sides = pairOf(whole(0, 10));
export const RULES = {
  image: either(cellsOf(3, 32), oneOf(Object.keys(IMAGES))),
  input_size: perAxis(3, 32),
  kernel: either(cellsOf(1, 11), oneOf(Object.keys(KERNELS))),
  kernel_size: perAxis(1, 11),
  stride: perAxis(1, 16),
  dilation: perAxis(1, 4),
  padding: either(perAxis(0, 10), pairOf(sides, "four, ((top, bottom), (left, right))"), oneOf(["valid", "same", "full"])),
  convention: oneOf(["tensorflow", "onnx-lower", "pytorch"]),
  padding_mode: oneOf(["zeros", "reflect", "replicate", "circular"]),
  selected: pairOf(whole(0, 4095), "(row, column) from 0 on"),
  view: oneOf(["values", "coverage"]),
  examples: EXAMPLES,
};
export const DEFAULTS = {
  image: "digits", input_size: 7, kernel: "vertical edges", kernel_size: 3, stride: 1, dilation: 1, padding: 0,
  convention: "tensorflow", padding_mode: "zeros", selected: [0, 0], view: "values",
};

/** The numbers of a grid that has a name, or its own. */
function cells(value, table, height, width) {
  if (Array.isArray(value)) return value;
  return grid(height, width, (row, column) => table[value]({ row, column, height, width }));
}

/** Both axes, and how often each cell is read. Throws a sentence for the reader if no window fits. */
function axes({ padding, convention, padding_mode: mode, ...setting }) {
  return [0, 1].map((side) => {
    const [size, kernel_size, stride, dilation] = SLIDERS.slice(0, 4).map((name) => pair(setting[name])[side]);
    const own = axis(size, { kernel_size, stride, dilation, padding: pair(padding)[side], convention });
    const widest = { reflect: size - 1, circular: size }[mode] ?? Infinity;
    if (Math.max(own.before, own.after) > widest) {
      throw new Error(`Padding “${mode}” adds at most ${widest} cells to a side of ${size} pixels.`);
    }
    const reads = new Array(own.padded).fill(0);
    for (let stop = 0; stop < own.count; stop++) {
      for (let tap = 0; tap < kernel_size; tap++) reads[stop * stride + tap * dilation] += 1;
    }
    return { ...own, reads, isRead: (cell) => reads[cell] > 0 };
  });
}

/** What changes with a setting, if it can be drawn. */
function fit(setting) {
  for (const [name, size] of GRIDS) {
    const own = setting[name];
    if (Array.isArray(own) && `${pair(setting[size])}` !== `${[own.length, own[0].length]}`) {
      throw new Error(`${size} must be that of ${name}, ${own.length} by ${own[0].length}.`);
    }
  }
  return { selected: limit(setting.selected, axes(setting)) };
}

/** The setting with grids of the size that is chosen. */
function adapt(setting) {
  const resized = { ...setting };
  for (const [name, size] of GRIDS) {
    const own = setting[name];
    if (Array.isArray(own)) resized[name] = grid(...pair(setting[size]), (i, j) => own[i % own.length][j % own[0].length]);
  }
  return resized;
}

/** The index whose value a cell beyond the input repeats, or -1 for zero. */
function source(index, size, mode) {
  if (index >= 0 && index < size) return index;
  if (mode === "replicate") return clamp(index, 0, size - 1);
  if (mode === "reflect") return index < 0 ? -index : 2 * (size - 1) - index;
  return mode === "circular" ? (index + size) % size : -1;
}

/** All that is drawn. */
export function settle(setting) {
  const [rows, columns] = axes(setting);
  const image = cells(setting.image, IMAGES, rows.size, columns.size);
  const kernel = cells(setting.kernel, KERNELS, rows.taps, columns.taps);
  const sources = ({ padded, before, size }) =>
    range(padded).map((index) => source(index - before, size, setting.padding_mode));
  const across = sources(columns);
  const padded = sources(rows).map((row) => across.map((column) => image[row]?.[column] ?? 0));
  const output = grid(rows.count, columns.count, (row, column) => {
    let sum = 0;
    for (let i = 0; i < rows.taps; i++) {
      const line = padded[row * rows.stride + i * rows.dilation];
      const left = column * columns.stride;
      for (let j = 0; j < columns.taps; j++) sum += line[left + j * columns.dilation] * kernel[i][j];
    }
    return sum;
  });
  const isNumbered = Math.max(rows.padded, columns.padded, rows.count, columns.count) <= 12;
  return { rows, columns, kernel, padded, output, isNumbered };
}

const EDGE = 20; // above and left of the cells, for marks

const show = (value) => `${Math.abs(value) < 1000 ? +value.toFixed(2) : Math.round(value)}`.replace("-", "−");

/** Where a number stands among others, from 0 to 1. */
function scale(numbers) {
  const lowest = Math.min(...numbers.flat());
  const span = Math.max(...numbers.flat()) - lowest;
  return (value) => span && (value - lowest) / span;
}

/** Draws a grid. Cells that look alike are one path, so that a thousand draw fast. */
function draw(svg, height, width, isNumbered, cell) {
  const [squares, marks] = [{}, {}];
  const add = (group, look, piece) => (group[look] = (group[look] ?? "") + piece);
  const numbers = grid(height, width, (row, column) => {
    const [look, value, share, mark] = cell(row, column);
    add(squares, `${look}" style="--share:${Math.round(15 * share) / 15}`, square(row, column));
    if (mark) add(marks, mark, at(row, column) + MARKS[mark]);
    return isNumbered && [`${look} ${mark}`, show(value)];
  });
  const paths = Object.entries({ ...squares, ...marks }).map(([look, path]) => `<path class="${look}" d="${path}"/>`);
  svg.setAttribute("viewBox", `${-EDGE} ${-EDGE} ${width * CELL + EDGE + 2} ${height * CELL + EDGE + 2}`);
  put(svg.firstChild, paths.join(""));
  put(svg.querySelector("g:last-of-type"), isNumbered ? texts(numbers) : "");
}

/** The numbers: a text for each look in a row, laid out in half the time of one a cell. Blanks center them. */
function texts(numbers) {
  const longest = Math.max(3, ...numbers.flat().map(([, text]) => text.length));
  const blanks = 2 * longest + 1; // to a cell, half a character each
  const centered = (text) => text.padStart(longest).padEnd(blanks - text.length);
  const lines = numbers.flatMap((cells, row) =>
    [...new Set(cells.map(([look]) => look))].map((look) => {
      const line = cells.map(([own, text]) => centered(own === look ? text : ""));
      return `<text class="${look}" y="${(row + 0.5) * CELL}">${line.join("")}</text>`;
    }),
  );
  return `<g style="--blanks:${blanks}">${lines.join("")}</g>`;
}

/** The padded input: its values, or how often each is read. */
function drawInput(svg, { rows, columns, padded, isNumbered }, isCoverage) {
  const shareOf = scale(padded);
  const cell = (row, column) => {
    const count = rows.reads[row] * columns.reads[column];
    const isInside = isInput(rows, row) && isInput(columns, column);
    const mark = count ? "" : isInside ? "unread" : "unused";
    const value = isCoverage ? count : padded[row][column];
    if (!isInside) return ["padding", value, 0, mark];
    if (!isCoverage) return ["gray", value, shareOf(value), mark];
    return ["blue", count, Math.min(1, Math.log1p(count) / Math.log(50)), mark]; // as in the figures
  };
  draw(svg, rows.padded, columns.padded, isNumbered, cell);
}

function drawOutput(svg, { rows, columns, output, isNumbered }) {
  const shareOf = scale(output);
  const cell = (row, column) => ["blue", output[row][column], shareOf(output[row][column]), ""];
  draw(svg, rows.count, columns.count, isNumbered, cell);
}

// A mark at each row and column that a window is centered on: as many as the output has.
const center = ({ stride, reach }, stop) => (stop * stride + reach / 2) * CELL;
const rowMark = (rows, stop) => `M-3 ${center(rows, stop)}l-14-8v16z`;
const columnMark = (columns, stop) => `M${center(columns, stop)}-3l-8-14h16z`;

/** What the windows leave out, in words. */
function remarks(rows, columns) {
  const sides = ({ reads, before, size }) => [reads.slice(0, before), reads.slice(before + size)];
  const names = ["top", "bottom", "left", "right"];
  const idle = names.filter((_, index) => [rows, columns].flatMap(sides)[index].includes(0));
  return remark(rows, columns) + (idle[0] ? ` Padding never read: ${idle.join(", ")}.` : "");
}

/** The sum of one output cell, a row of the kernel a line. */
function sum({ rows, columns, padded, kernel, output }, row, column) {
  const bracketed = (value) => (value < 0 ? `(${show(value)})` : show(value));
  const lines = kernel.map((weights, i) => {
    const terms = weights.map((weight, j) => {
      const [y, x] = [row * rows.stride + i * rows.dilation, column * columns.stride + j * columns.dilation];
      const tag = isInput(rows, y) && isInput(columns, x) ? "span" : "i";
      return `<${tag}>${bracketed(padded[y][x])}</${tag}> × ${bracketed(weight)}`;
    });
    return `<span class="line">${terms.join(" + ")}</span>`;
  });
  const { length } = kernel.flat();
  const products = length > 25 ? `the sum of ${length} products` : lines.join(" + ");
  return `Output row ${row}, column ${column}: ${products} = <strong>${show(output[row][column])}</strong>`;
}

/** For the ear: a screen reader would leave signs out. */
const inWords = (text) =>
  text.replaceAll("×", "times").replaceAll("+", "plus").replaceAll("−", "minus ").replace("=", "is");

/** The sliders of a trait: for each its side, its value, and the trait once it has moved. */
function handles(value) {
  if (typeof value === "string") return [];
  const flat = [value].flat(2);
  const sides = { 1: [""], 2: ["rows", "columns"], 4: ["top", "bottom", "left", "right"] }[flat.length];
  const whole = (parts) => ({ 1: parts[0], 2: parts, 4: [parts.slice(0, 2), parts.slice(2)] })[parts.length];
  return sides.map((side, index) => [side, flat[index], (next) => whole(flat.with(index, next))]);
}

function paddingKind({ padding, convention }) {
  if (typeof padding === "string") return padding === "same" ? convention : padding;
  return handles(padding).length === 4 ? "sides" : "number";
}

const named = (table) => `<option>${Object.keys(table).join("<option>")}<option value="" hidden>its own`;

const template = `
  <div class="settings" part="settings">
  ${menu("example", "example", "<option value=''>choose one")}
  ${menu("image", "input", named(IMAGES))}
  ${menu("kernel", "kernel", named(KERNELS))}
  ${menu("padding", "padding", PADDINGS)}
  ${menu("padding_mode", "filled with", "<option>zeros<option>reflect<option>replicate<option>circular")}
  <label class="check"><input type="checkbox" part="apart"> rows and columns apart</label>
  </div>
  <p class="problem" role="alert" part="problem"></p>
  <div class="formula" part="formula">
  ${line("output", `${floored("input + padding + padding − reach of kernel", "stride")} + 1`)}<div part="numbers"></div>
  </div>
  <div class="panels" part="panels">
  <div><b part="inputSize"></b>
    <svg part="input" tabindex="0" role="slider" aria-label="Window" aria-valuemin="0"><g></g><path class="stops"
      /><path class="stop"/><g class="window"></g><g></g></svg></div>
  <div><b part="kernelSize"></b><div class="weights" part="weights"></div></div>
  <div><b part="outputSize"></b>
    <svg part="output" role="img"><g></g><g></g><path class="selected" d="${square(0, 0)}"/></svg></div>
  </div>
  <ul class="legend">
  <li>window: drag it, or press arrow keys<li class="padding">padding<li class="unused">padding never read<li class="unread">pixel never read
  </ul>
  <div class="bar">
  <button part="back">Back</button>
  <button part="play">Play</button>
  <button part="next">Next</button>
  <label><input type="checkbox" part="coverage"> show how often each pixel is read</label>
  </div>
  <p class="sum" aria-hidden="true" part="sum"></p>
  <p class="unseen" aria-live="polite" part="words"></p>
  <p part="remarks"></p>`;

function render({ model, el }) {
  const view = openView({
    model, el, name: "convolution-explorer", template, rules: RULES, defaults: DEFAULTS, adapt, fit, showControls, update,
  });
  const { part, read, write } = view;
  const [, stops, stop, frame] = part.input.children;
  const chosen = part.output.lastChild;
  const examples = model.get("examples");
  for (const name of Object.keys(examples)) part.example.add(new Option(name));

  let scene; // what is drawn
  let drawn; // and from what, as JSON
  let timer;

  const number = ({ value }) => Number(value.replace("−", "-"));
  const sides = () => [scene.rows, scene.columns];
  const selected = () => limit(model.get("selected"), sides());
  const select = (stops) => write({ selected: limit(stops, sides()) });

  function choose(changes, example = "") {
    if (view.choose(changes)) part.example.value = example;
  }

  const sliders = SLIDERS.flatMap((name) =>
    range(name === "padding" ? 4 : 2).map((index) => {
      const change = (value) => choose({ [name]: handles(read()[name])[index][2](value) });
      const [label, output, input] = addSlider(part.settings, `${view.id}-${name}-${index}`, name, RULES[name], change);
      return (setting) => {
        const [side, value] = handles(setting[name])[index] ?? [""];
        input.parentNode.hidden = value === undefined;
        say(label, name.replace("_", " ") + (side && `, ${side}`));
        say(output, value ?? "");
        input.value = value;
      };
    }),
  );

  function showControls(setting) {
    for (const showSlider of sliders) showSlider(setting);
    part.apart.checked = SLIDERS.some((name) => handles(setting[name]).length === 2);
    part.coverage.checked = model.get("view") === "coverage";
    part.padding.value = paddingKind(setting);
    for (const name of MENUS) part[name].value = Array.isArray(setting[name]) ? "" : setting[name];
  }

  function showScene() {
    const { rows, columns } = scene;
    part.panels.style.cssText = `--padded:${columns.padded + 0.55};--count:${columns.count + 0.55}`;
    drawInput(part.input, scene, part.coverage.checked);
    drawOutput(part.output, scene);
    const marks = range(rows.count).map((stop) => rowMark(rows, stop));
    stops.setAttribute("d", marks.join("") + range(columns.count).map((stop) => columnMark(columns, stop)).join(""));
    const taps = grid(rows.taps, columns.taps, (i, j) => square(i * rows.dilation, j * columns.dilation));
    put(frame, windowOf(taps.flat().join(""), rows, columns));
    put(part.numbers, formula(rows, columns));
    say(part.remarks, remarks(rows, columns));
    say(part.inputSize, `Input ${rows.size} × ${columns.size}`);
    say(part.outputSize, (part.output.ariaLabel = `Output ${rows.count} × ${columns.count}`));
    showKernel(scene.kernel);
  }

  function showKernel(kernel) {
    const width = kernel[0].length;
    const weights = kernel.flat();
    say(part.kernelSize, `Kernel ${kernel.length} × ${width}`);
    part.weights.style.cssText = `--taps:${width}`;
    const inputs = part.weights.children;
    while (inputs.length > weights.length) part.weights.lastChild.remove();
    weights.forEach((weight, index) => {
      const input = inputs[index] ?? part.weights.appendChild(document.createElement("input"));
      input.ariaLabel = `kernel row ${Math.floor(index / width)}, column ${index % width}`;
      if (!input.value || number(input) !== weight) input.value = (weight > 0 ? "+" : "") + show(weight);
    });
  }

  function showSelection() {
    const { rows, columns } = scene;
    const [row, column] = selected();
    const move = (node, x, y) => (node.style.transform = `translate(${x * CELL}px, ${y * CELL}px)`);
    move(frame, column * columns.stride, row * rows.stride);
    move(chosen, column, row);
    stop.setAttribute("d", rowMark(rows, row) + columnMark(columns, column));
    part.input.ariaValueMax = rows.count * columns.count - 1;
    part.input.ariaValueNow = row * columns.count + column;
    part.input.ariaValueText = `output row ${row}, column ${column}`;
    put(part.sum, sum(scene, row, column));
    say(part.words, inWords(part.sum.textContent));
  }

  function update() {
    part.example.value = "";
    const { selected, examples, ...setting } = read();
    const traits = JSON.stringify(setting);
    el.classList.toggle("is-gliding", traits === drawn);
    if (traits !== drawn) {
      scene = settle(setting);
      drawn = traits;
      showScene();
    }
    showSelection();
  }

  for (const name of MENUS) part[name].onchange = () => choose({ [name]: part[name].value });
  part.example.onchange = () => choose(examples[part.example.value], part.example.value);
  part.coverage.onchange = () => write({ view: part.coverage.checked ? "coverage" : "values" });
  part.padding.onchange = () => {
    const now = sides().map(({ before, after }) => [before, after].map((count) => clamp(count, RULES.padding.low, RULES.padding.high)));
    choose(paddingOf(part.padding.value, now[0][0], now));
  };
  part.apart.onchange = () => {
    const now = Object.entries(read()).filter(([name, value]) => SLIDERS.includes(name) && handles(value).length % 4);
    const next = (value) => (part.apart.checked ? pair(value) : pair(value)[0]);
    choose(Object.fromEntries(now.map(([name, value]) => [name, next(value)])));
  };
  part.weights.oninput = ({ target }) => {
    if (!target.value || !isNumber(number(target))) return; // half typed
    let before = [...part.weights.children].indexOf(target);
    const kernel = scene.kernel.map((row) => row.map((weight) => (before-- ? weight : number(target))));
    choose({ kernel, kernel_size: model.get("kernel_size") }); // as drawn: another size may be pending
  };

  /** Moves the window; returns whether it is at its last stop. */
  function step(by) {
    const [row, column] = selected();
    const { count } = scene.columns;
    const last = scene.rows.count * count - 1;
    const next = clamp(row * count + column + by, 0, last);
    select([Math.floor(next / count), next % count]);
    return next === last;
  }

  function play(isPlaying) {
    clearInterval(timer);
    timer = isPlaying && setInterval(() => step(1) && play(false), 700);
    part.play.textContent = isPlaying ? "Pause" : "Play";
    part.words.ariaLive = isPlaying ? "off" : "polite";
  }

  part.back.onclick = () => step(-1);
  part.next.onclick = () => step(1);
  part.play.onclick = () => {
    if (!timer && step(0)) select([0, 0]);
    play(!timer);
  };

  steer({ input: part.input, output: part.output, frame, sides, selected, select });
  const stopDrawing = view.start();
  return () => {
    stopDrawing();
    clearInterval(timer);
  };
}

export default { render };
