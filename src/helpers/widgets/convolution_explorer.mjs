// The convolution explorer: what a window reads, what it writes, and what it never reaches.
//
// Run by anywidget and by the built page. arithmetic.mjs says what the ground and the map of stops are.

import { axes, copies, grownFormula, groundAndStops, isPooling, layerOf, meeting } from "./arithmetic.mjs";
import {
  CELL, EXAMPLES, MARKS, PADDINGS, addSlider, at, cellsOf, clamp, either, floored, formula, grid, isInput, isNumber,
  limit, line, menu, oneOf, openView, paddingOf, pair, pairOf, perAxis, put, range, remark, say, square, steer, truth,
  whole, windowOf,
} from "./common.mjs";
import { IMAGES, KERNELS, cellsNamed, ownPicture } from "./picture.mjs";
import { foldsOf } from "./share.mjs";

const SLIDERS = ["input_size", "kernel_size", "stride", "dilation", "padding", "output_padding"];
const MENUS = ["padding_mode", "image", "kernel"];
const SWITCHES = ["ceil_mode", "count_include_pad"];

// The kinds of layer: what each has not, with the only value that it then takes.
const LACKS = {
  convolution: { output_padding: 0, ceil_mode: false, count_include_pad: true },
  transposed: { padding_mode: "zeros", ceil_mode: false, count_include_pad: true },
  "max pooling": { padding_mode: "zeros", output_padding: 0, count_include_pad: true },
  "average pooling": { padding_mode: "zeros", output_padding: 0, dilation: 1 },
};
const GRIDS = [["image", "input_size"], ["kernel", "kernel_size"]];

const sides = pairOf(whole(0, 10));
export const RULES = {
  kind: oneOf(Object.keys(LACKS)),
  image: either(cellsOf(3, 32), oneOf(Object.keys(IMAGES))),
  input_size: perAxis(3, 32),
  kernel: either(cellsOf(1, 11), oneOf(Object.keys(KERNELS))),
  kernel_size: perAxis(1, 11),
  stride: perAxis(1, 16),
  dilation: perAxis(1, 4),
  padding: either(perAxis(0, 10), pairOf(sides, "four, ((top, bottom), (left, right))"), oneOf(["valid", "same", "full"])),
  convention: oneOf(["tensorflow", "onnx-lower", "pytorch"]),
  padding_mode: oneOf(["zeros", "reflect", "replicate", "circular"]),
  output_padding: perAxis(0, 15),
  ceil_mode: truth,
  count_include_pad: truth,
  selected: pairOf(whole(0, 4095), "(row, column) from 0 on"),
  view: oneOf(["values", "coverage"]),
  examples: EXAMPLES,
};
export const DEFAULTS = {
  kind: "convolution", image: "digits", input_size: 7, kernel: "vertical edges", kernel_size: 3, stride: 1, dilation: 1,
  padding: 0, convention: "tensorflow", padding_mode: "zeros", output_padding: 0, ceil_mode: false,
  count_include_pad: true, selected: [0, 0], view: "values",
};

/** The numbers of a grid that has a name, or its own. */
const cells = (value, table, height, width) => (Array.isArray(value) ? value : cellsNamed(value, table, height, width));

/** What changes with a setting, if it can be drawn. */
function fit(setting) {
  for (const [name, plain] of Object.entries(LACKS[setting.kind])) {
    if (pair(setting[name]).some((value) => value !== plain)) {
      throw new Error(`${name} must be ${plain} with kind ${setting.kind}, which has none.`);
    }
  }
  for (const [name, size] of GRIDS) {
    const own = setting[name];
    if (Array.isArray(own) && `${pair(setting[size])}` !== `${[own.length, own[0].length]}`) {
      throw new Error(`${size} must be that of ${name}, ${own.length} by ${own[0].length}.`);
    }
  }
  return { selected: limit(setting.selected, axes(setting)) };
}

/** The setting with grids of the size that is chosen. */
function adapt(setting, picture) {
  const resized = { ...setting };
  for (const [name, size] of GRIDS) {
    const [own, sizes] = [setting[name], pair(setting[size])];
    if (picture.isOwn(own)) resized[name] = picture.at(...sizes);
    else if (Array.isArray(own)) resized[name] = grid(...sizes, (i, j) => own[i % own.length][j % own[0].length]);
  }
  return resized;
}

/** All that is drawn. */
export function settle(setting) {
  const image = cells(setting.image, IMAGES, ...pair(setting.input_size));
  const kernel = cells(setting.kernel, KERNELS, ...pair(setting.kernel_size));
  return groundAndStops(setting, axes(setting), image, kernel);
}

const EDGE = 20; // above and left of the cells, for marks

function show(value) {
  if (value === null) return "";
  return `${Math.abs(value) < 1000 ? +value.toFixed(2) : Math.round(value)}`.replace("-", "−").replace("Infinity", "∞");
}

/** Where a number stands among others, from 0 to 1. */
function scale(grid) {
  const numbers = grid.flat().filter(Number.isFinite);
  const lowest = Math.min(...numbers);
  const span = Math.max(...numbers) - lowest;
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

/** The ground: its values, or how many windows each cell is in. */
function drawGround(svg, { rows, columns, ground, grows }, isNumbered, isCoverage) {
  const shareOf = scale(ground);
  const cell = (row, column) => {
    const count = rows.reads[row] * columns.reads[column];
    const isInside = isInput(rows, row) && isInput(columns, column);
    const mark = count ? "" : isInside ? "unread" : grows ? "" : "unused";
    const value = isCoverage ? count : ground[row][column];
    if (!isInside) return ["padding", value, 0, mark];
    if (!isCoverage) return [grows ? "blue" : "gray", value, shareOf(value), mark];
    return ["blue", count, Math.min(1, Math.log1p(count) / Math.log(50)), mark]; // as in the figures
  };
  draw(svg, rows.padded, columns.padded, isNumbered, cell);
}

function drawStops(svg, { rows, columns, stops, grows }, isNumbered) {
  const shareOf = scale(stops);
  const cell = (row, column) => [grows ? "gray" : "blue", stops[row][column], shareOf(stops[row][column]), ""];
  draw(svg, rows.count, columns.count, isNumbered, cell);
}

// A mark at each row and column that a window is centered on: as many as the output has.
const center = ({ stride, reach }, stop) => (stop * stride + reach / 2) * CELL;
const rowMark = (rows, stop) => `M-3 ${center(rows, stop)}l-14-8v16z`;
const columnMark = (columns, stop) => `M${center(columns, stop)}-3l-8-14h16z`;

/** What the windows leave out, in words. */
function remarks({ kind, grows, rows, columns }, { padding, convention, count_include_pad }) {
  if (grows) return `${remark(rows, columns, ["output pixels get no copy", "output pixels get a copy"])} ${copies(rows, columns)}`;
  const sides = ({ reads, before, size }) => [reads.slice(0, before), reads.slice(before + size)];
  const names = ["top", "bottom", "left", "right"];
  const idle = names.filter((_, index) => [rows, columns].flatMap(sides)[index].includes(0));
  const isOther = kind === "average pooling" && padding === "same" && convention === "tensorflow" && count_include_pad;
  const notes = [
    remark(rows, columns), idle[0] && `Padding never read: ${idle.join(", ")}.`,
    (rows.hangs || columns.hangs) && "The last window hangs over the end.",
    (rows.isLeftOut || columns.isLeftOut) && "One more would start in the padding at the end, and is left out.",
    isOther && "TensorFlow itself never counts the padding.",
  ];
  return notes.filter(Boolean).join(" ");
}

const bracketed = (value) => (value < 0 ? `(${show(value)})` : show(value));
const MOST_TERMS = 25;

/** What a window does at a stop. */
const told = (scene, row, column) => (scene.grows ? spread : gathered)(scene, row, column);

/** The sum, the largest or the mean of a window, a row of it a line. */
function gathered({ kind, rows, columns, ground, kernel, stops }, row, column) {
  let counted = 0;
  const lines = range(rows.taps).map((i) => {
    const terms = range(columns.taps).map((j) => {
      const [y, x] = [row * rows.stride + i * rows.dilation, column * columns.stride + j * columns.dilation];
      if (ground[y][x] === null) return "";
      counted++;
      const tag = isInput(rows, y) && isInput(columns, x) ? "span" : "i";
      const weight = kind === "convolution" ? ` × ${bracketed(kernel[i][j])}` : "";
      return `<${tag}>${(kind === "max pooling" ? show : bracketed)(ground[y][x])}</${tag}>${weight}`;
    });
    return terms.filter(Boolean);
  });
  const joint = kind === "max pooling" ? ", " : " + ";
  const rowsOfTerms = lines.filter(({ length }) => length).map((terms) => `<span class="line">${terms.join(joint)}</span>`);
  const all = rowsOfTerms.join(joint);
  const isLong = rows.taps * columns.taps > MOST_TERMS;
  const words = {
    convolution: isLong ? `the sum of ${counted} products` : all,
    "max pooling": `the largest of ${isLong ? `${counted} values` : all}`,
    "average pooling": isLong ? `the mean of ${counted} values` : `(${all}) / ${counted}`,
  };
  return `Output row ${row}, column ${column}: ${words[kind]} = <strong>${show(stops[row][column])}</strong>`;
}

/** Where a copy of the kernel lies, and the sum in the pixel of it in which most copies meet. */
function spread(scene, row, column) {
  const { rows, columns, ground, stops } = scene;
  const [down, across] = [[rows, row], [columns, column]].map(([own, stop]) => {
    const cells = range(own.taps).map((tap) => stop * own.stride + tap * own.dilation).filter((cell) => isInput(own, cell));
    const [from, to] = [stop * own.stride - own.before, stop * own.stride - own.before + own.reach - 1];
    return { most: cells.sort((a, b) => own.reads[b] - own.reads[a])[0], place: `${show(from)} to ${show(to)}` };
  });
  const copy = `Input row ${row}, column ${column}: ${bracketed(stops[row][column])} × the kernel, on output rows ${down.place}, columns ${across.place}.`;
  if (down.most === undefined || across.most === undefined) return `${copy} All of it is cropped.`;
  const [y, x] = [down.most, across.most];
  const terms = meeting(rows, y).flatMap(([i, tap]) =>
    meeting(columns, x).map(([j, other]) => `${bracketed(stops[i][j])} × ${bracketed(scene.kernel[tap][other])}`),
  );
  const sum = terms.length > MOST_TERMS ? `the sum of ${terms.length} products` : `<span>${terms.join("</span> + <span>")}</span>`;
  const meet = terms.length > 1 ? `${terms.length} copies meet` : "no other copy comes";
  return `${copy} In output row ${y - rows.before}, column ${x - columns.before}, ${meet}: ${sum} = <strong>${show(ground[y][x])}</strong>`;
}

const SPOKEN = { "×": "times", "+": "plus", "−": "minus ", "=": "is", "/": "divided by", "∞": "infinity" };

/** For the ear: a screen reader would leave signs out. */
const inWords = (text) =>
  Object.entries(SPOKEN).reduce((words, [sign, word]) => words.replaceAll(sign, word), text);

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

/** The size formula in words. */
function general({ grows, rows, columns }) {
  if (grows) return "(input − 1) · stride + reach of kernel − crop − crop + output padding";
  const brackets = rows.hangs || columns.hangs ? "⌈⌉" : "⌊⌋";
  return `${floored("input + padding + padding − reach of kernel", "stride", brackets)} + 1`;
}

const named = (table) => `<option>${Object.keys(table).join("<option>")}<option value="" hidden>its own`;

// What is called otherwise where windows lie on the output.
const TERMS = {
  windowName: ["window", "copy of the kernel"],
  paddingName: ["padding", "cropped"],
  unreadName: ["pixel never read", "pixel without a copy"],
  coverageName: ["show how often each pixel is read", "show how many copies each pixel gets"],
};

const template = `
  <div class="settings" part="settings">
  ${menu("example", "example", "<option value=''>choose one")}
  ${menu("kind", "layer", `<option>${Object.keys(LACKS).join("<option>")}`)}
  ${menu("image", "input", named(IMAGES))}
  ${menu("kernel", "kernel", named(KERNELS))}
  ${menu("padding", "padding", PADDINGS)}
  ${menu("padding_mode", "filled with", "<option>zeros<option>reflect<option>replicate<option>circular")}
  <label class="check"><input type="checkbox" part="apart"> rows and columns apart</label>
  <label class="check"><input type="checkbox" part="ceil_mode"> round up (ceil_mode)</label>
  <label class="check"><input type="checkbox" part="count_include_pad"> count padding (count_include_pad)</label>
  </div>
  <p class="problem" role="alert" part="problem"></p>
  <div class="formula" part="formula">
  <div>output</div><div part="general"></div><div part="numbers"></div>
  </div>
  <div class="panels" part="panels">
  <div><b part="inputSize"></b>
    <svg part="input"><g></g><path class="stops"/><path class="stop"/><g class="window"></g><g></g></svg></div>
  <div><b part="kernelSize"></b><div class="weights" part="weights"></div></div>
  <div><b part="outputSize"></b>
    <svg part="output"><g></g><g></g><path class="selected" d="${square(0, 0)}"/></svg></div>
  </div>
  <ul class="legend">
  <li><span part="windowName"></span>: drag it, or press arrow keys<li class="padding" part="paddingName"
    ><li class="unused">padding never read<li class="unread" part="unreadName">
  </ul>
  <div class="bar">
  <button part="back">Back</button>
  <button part="play">Play</button>
  <button part="next">Next</button>
  <label><input type="checkbox" part="coverage"> <span part="coverageName"></span></label>
  </div>
  <p class="sum" aria-hidden="true" part="sum"></p>
  <p class="unseen" aria-live="polite" part="words"></p>
  <p part="remarks"></p>`;

function render({ model, el }) {
  const picture = ownPicture({ sizes: "input_size", instead: DEFAULTS.image, stand: "the digits as its input" });
  const view = openView({
    model, el, name: "convolution-explorer", template, rules: RULES, defaults: DEFAULTS, fit, showControls, update, picture,
    adapt: (setting) => adapt(setting, picture), folds: foldsOf(layerOf),
  });
  const { part, read, write } = view;
  const [, stops, stop, frame] = part.input.children;
  const chosen = part.output.lastChild;
  let [ground, map] = []; // which of input and output the windows lie on, and which holds a cell for each
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
        input.parentNode.hidden = value === undefined || name in LACKS[setting.kind];
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
    part.image.lastChild.text = picture.isOwn(setting.image) ? "your picture" : "its own";
    for (const name of SWITCHES) part[name].checked = setting[name];
    part.kind.value = setting.kind;
    for (const name of ["padding_mode", ...SWITCHES]) part[name].parentNode.hidden = name in LACKS[setting.kind];
    part.kernel.parentNode.hidden = part.weights.hidden = isPooling(setting.kind);
  }

  /** Gives the window to the drawing that it lies on, and the mark of its stop to the other. */
  function turn() {
    [ground, map] = scene.grows ? [part.output, part.input] : [part.input, part.output];
    ground.querySelector("g:last-of-type").before(stops, stop, frame);
    map.append(chosen);
    for (const name of ["tabindex", ...["min", "max", "now", "text"].map((end) => `aria-value${end}`)]) map.removeAttribute(name);
    ground.tabIndex = ground.ariaValueMin = 0;
    [ground.role, map.role] = ["slider", "img"];
    part.panels.classList.toggle("grows", scene.grows);
    map.onkeydown = null;
    steer({ input: ground, output: map, frame, sides, selected, select });
    const words = Object.keys(TERMS).map((name) => [name, TERMS[name][+scene.grows]]);
    for (const [name, text] of words) say(part[name], text);
  }

  function showScene() {
    const { rows, columns } = scene;
    if (ground !== (scene.grows ? part.output : part.input)) turn();
    part.panels.style.cssText = `--padded:${columns.padded + 0.55};--count:${columns.count + 0.55}`;
    const isNumbered = Math.max(rows.padded, columns.padded, rows.count, columns.count) <= 12;
    drawGround(ground, scene, isNumbered, part.coverage.checked);
    drawStops(map, scene, isNumbered);
    const marks = range(rows.count).map((stop) => rowMark(rows, stop));
    stops.setAttribute("d", marks.join("") + range(columns.count).map((stop) => columnMark(columns, stop)).join(""));
    const taps = grid(rows.taps, columns.taps, (i, j) => square(i * rows.dilation, j * columns.dilation));
    put(frame, windowOf(taps.flat().join(""), rows, columns));
    put(part.general, `<div>= ${general(scene)}</div>`);
    put(part.numbers, (scene.grows ? grownFormula : formula)(rows, columns));
    say(part.remarks, remarks(scene, read()));
    const [large, small] = [`${rows.size} × ${columns.size}`, `${rows.count} × ${columns.count}`];
    const [input, output] = scene.grows ? [small, large] : [large, small];
    say(part.inputSize, `Input ${input}`);
    say(part.outputSize, `Output ${output}`);
    map.ariaLabel = scene.grows ? `Input ${input}` : `Output ${output}`;
    ground.ariaLabel = scene.grows ? "Copy of the kernel" : "Window";
    showKernel(scene);
  }

  function showKernel({ kind, kernel }) {
    const width = kernel[0].length;
    const weights = kernel.flat();
    say(part.kernelSize, `${isPooling(kind) ? "Window" : "Kernel"} ${kernel.length} × ${width}`);
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
    ground.ariaValueMax = rows.count * columns.count - 1;
    ground.ariaValueNow = row * columns.count + column;
    ground.ariaValueText = `${scene.grows ? "input" : "output"} row ${row}, column ${column}`;
    put(part.sum, told(scene, row, column));
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
  for (const name of SWITCHES) part[name].onchange = () => choose({ [name]: part[name].checked });
  part.kind.onchange = () => choose({ kind: part.kind.value, ...LACKS[part.kind.value] });
  part.example.onchange = () => {
    const { image, ...layer } = examples[part.example.value] ?? {};
    choose({ ...layer, ...(image && !picture.isOwn(read().image) && { image }) }, part.example.value);
  };
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

  const stopDrawing = view.start();
  return () => {
    stopDrawing();
    clearInterval(timer);
  };
}

export default { render };
