// The solver explorer: which settings make one size of another, and which sizes a stack of layers takes.
//
// Run by anywidget and by the built page (base.py): it imports shared modules alone and ends with its export.
// tests/browser/test_solver_explorer.py holds its arithmetic to helpers.arithmetic, over thousands of cases.

import { EXAMPLES, menu, oneOf, openView, pair, put, range, rule, say, text, truth, whole } from "./common.mjs";
import { foldsOf } from "./share.mjs";

const MOST_SOLVED = 20_000; // settings that are tried
const MOST_STEPS = 100_000; // of one layer over one size
const MOST_STACKED = 100; // layers
const MOST_OF_A_WINDOW = 1024;
const MOST_GROWTH = 65_536; // times that a stack may grow a map
const FARTHEST = 1_000_000; // where the smallest input of a stack is looked for
const MOST_SPANS = 2_000_000; // that are walked to find what loses no pixel
const ROWS = 12; // solutions that are shown at first
const MOST_ROWS = 300;

const isSpan = (value, { passes }) =>
  Array.isArray(value) && value.length === 2 && value.every(passes) && value[0] <= value[1];
const bound = (low, high) => {
  const each = whole(low, high);
  const passes = (value) => value === null || each.passes(value) || isSpan(value, each);
  return rule(`${each.words}, two, (first, last), or nothing`, passes, { low, high });
};
const span = (low, high) => {
  const each = whole(low, high);
  return rule(`two whole numbers from ${low} to ${high}, (first, last)`, (value) => isSpan(value, each), { low, high });
};

const KINDS = ["convolution", "pooling", "transposed"];
export const RULES = {
  question: oneOf(["layer", "stack"]),
  kind: oneOf(KINDS),
  size: bound(1, 65_536),
  output: bound(1, 65_536),
  kernel_size: bound(1, 1024),
  stride: bound(1, 1024),
  padding: bound(0, 1024),
  dilation: bound(1, 1024),
  output_padding: bound(0, 1023),
  ceil_mode: truth,
  stack: text(400),
  sizes: span(1, 65_536),
  input_size: whole(1, 65_536),
  channels: whole(1, 65_536),
  examples: EXAMPLES,
};
export const DEFAULTS = {
  question: "layer", kind: "convolution", size: 28, output: 14, kernel_size: null, stride: 2, padding: null, dilation: 1,
  output_padding: null, ceil_mode: false, stack: "conv3p1 pool2 conv3p1 pool2 conv3", sizes: [1, 64], input_size: 28,
  channels: 64,
};
const FREE = { size: [1, 256], kernel_size: [1, 11], stride: [1, 8], padding: [0, 5], dilation: [1, 4] };
const NAMES = {
  size: "input", output: "output", kernel_size: "kernel", stride: "stride", padding: "padding", dilation: "dilation",
  output_padding: "output padding",
};

// One layer over one axis

const halves = (total, lower) => {
  const less = Math.floor(Math.max(0, total) / 2);
  const more = Math.max(0, total) - less;
  return lower ? [more, less] : [less, more];
};

/** Cells of padding before and after an axis. */
function padsOf(size, { padding, stride, lower }, reach) {
  if (Array.isArray(padding)) return padding;
  if (padding === "same") return halves(Math.floor((size - 1) / stride) * stride + reach - size, lower);
  return [padding === "valid" ? 0 : reach - 1, padding === "full" ? reach - 1 : 0];
}

const reachOf = ({ taps, dilation }) => dilation * (taps - 1) + 1;

/** Where the windows of a layer lie, on its input or, if it grows, on its output; nothing if no pixel is left. */
export function place(size, layer) {
  const { stride, padding, ceil, grows, lower } = layer;
  const reach = reachOf(layer);
  if (grows) {
    const spread = (size - 1) * stride + reach;
    const excess = padding === "valid" ? spread - Math.max(spread, size * stride) : spread - size * stride;
    if (padding === "same" && lower && excess < 0) return null; // ONNX's padding ends there
    const [before, after] = Array.isArray(padding) ? padding : halves(padding === "valid" ? 0 : excess, lower);
    const output = spread - before - after + (Array.isArray(padding) ? layer.extra : Math.max(0, -excess));
    return output < 1 ? null : { before, after, output, count: size };
  }
  const [before, after] = padsOf(size, layer, reach);
  const room = before + size + after - reach;
  let last = Math.floor(room / stride) * stride;
  if (ceil && last < room && last + stride < before + size && padding !== "same") last += stride; // it hangs over
  return last < 0 ? null : { before, after, output: last / stride + 1, count: last / stride + 1 };
}

/** How many of the cells from 0 to size - 1 the taps of some windows lie on. */
function cellsRead(size, { first, count, stride, taps, dilation }) {
  const ends = new Map(); // of each residue of the stride: so far it is counted
  let total = 0;
  for (let tap = 0; tap < taps; tap++) {
    const quotient = Math.floor((first + dilation * tap) / stride);
    const residue = first + dilation * tap - quotient * stride;
    const from = Math.max(quotient, ends.get(residue) ?? 0);
    const to = Math.min(quotient + count, Math.ceil((size - residue) / stride));
    if (to <= from) continue;
    total += to - from;
    ends.set(residue, to);
  }
  return total;
}

/** How many of some windows have a tap on one of the cells from 0 to size - 1. */
function windowsMet(size, { first, count, stride, taps, dilation }) {
  let [total, end] = [0, 0];
  for (let tap = taps - 1; tap >= 0; tap--) {
    const start = first + dilation * tap;
    const from = Math.max(end, Math.ceil(-start / stride));
    const to = Math.min(count, Math.floor((size - 1 - start) / stride) + 1);
    if (to <= from) continue;
    total += to - from;
    end = to;
  }
  return total;
}

/** A setting with what it wastes: pixels that no output reads, padding that no window reads, outputs of padding alone. */
function weigh(found) {
  const { size, output, layer, before, after, count } = found;
  const window = { ...layer, first: -before, count };
  const [cells, windows] = [cellsRead, windowsMet].map((met) => met(layer.grows ? output : size, window));
  const unused = layer.grows ? [0, 0] : [
    before - cellsRead(before, { ...window, first: 0 }), after - cellsRead(after, { ...window, first: -before - size }),
  ];
  const [reads, full] = layer.grows ? [windows, cells] : [cells, windows];
  const board = +(layer.grows && layer.taps % layer.stride > 0);
  return { ...found, unread: size - reads, empty: output - full, unused, board };
}

/** What orders solutions, the sensible first. */
const folly = ({ layer, size, output, before, after, unread, empty, unused, board }) => [
  empty, unread, board, unused[0] + unused[1], layer.dilation, after - before, layer.extra, layer.taps, layer.stride, before,
  size, output,
];

function sensibleFirst(found) {
  const keyed = found.map(weigh).map((each) => [folly(each), each]);
  keyed.sort(([one], [other]) => {
    const place = one.findIndex((key, place) => key !== other[place]);
    return place < 0 ? 0 : one[place] - other[place];
  });
  return keyed.map(([, each]) => each);
}

/** First and last of each bound. Throws a sentence for the reader if there is too much within. */
function boundsOf(setting) {
  const bounds = Object.fromEntries(Object.keys(FREE).map((name) => [name, pair(setting[name] ?? FREE[name])]));
  const extras = [0, Math.max(bounds.stride[1], bounds.dilation[1]) - 1];
  bounds.output_padding = setting.kind === "transposed" ? pair(setting.output_padding ?? extras) : [0, 0];
  bounds.output = setting.output && pair(setting.output);
  const counts = Object.entries(bounds).map(([name, ends]) => [ends ? ends[1] - ends[0] + 1 : 1, name]);
  const count = counts.reduce((product, [each]) => product * each, 2); // paddings are tried even and uneven
  if (count > MOST_SOLVED) {
    const [, widest] = counts.reduce((most, each) => (each[0] > most[0] ? each : most));
    throw new Error(
      `${widest} must be bounded so that at most ${show(MOST_SOLVED)} settings are tried, got ${show(count)}: ` +
        "fix a number or narrow a range.",
    );
  }
  return bounds;
}

const between = ([first, last]) => range(last - first + 1).map((step) => first + step);

/** Every setting within the bounds that leaves an output, and how far this is from what is wanted. */
function* tried(bounds, { kind, ceil_mode }, sides) {
  const plain = { grows: kind === "transposed", ceil: ceil_mode && kind === "pooling" };
  for (const taps of between(bounds.kernel_size)) for (const stride of between(bounds.stride))
  for (const dilation of between(bounds.dilation)) for (const before of between(bounds.padding))
  for (const extra of between(bounds.output_padding)) for (const more of sides) {
    if (extra && extra >= Math.max(stride, dilation)) continue;
    const layer = { ...plain, taps, stride, dilation, extra, padding: [before, before + more] };
    for (const size of between(bounds.size)) {
      const placed = place(size, layer);
      if (!placed) continue;
      const [least, most] = bounds.output ?? [0, Infinity];
      yield [{ layer, size, ...placed }, Math.max(least - placed.output, placed.output - most, 0)];
    }
  }
}

/** All settings within the bounds of a question, or if none does it, those that come closest. */
export function solve(setting) {
  const bounds = boundsOf(setting);
  const fit = [...tried(bounds, setting, [0])].filter(([, far]) => !far).map(([found]) => found);
  if (fit.length) return { fit: sensibleFirst(fit), nearest: [] };
  const all = [...tried(bounds, setting, [0, 1])];
  const closest = all.reduce((least, [, far]) => Math.min(least, far), Infinity);
  return { fit: [], nearest: sensibleFirst(all.filter(([, far]) => far === closest).map(([found]) => found)) };
}

// A stack of layers

const START = /^(conv|pool|up|resize)([0-9]{1,9})/;
const SETTING =
  /(?<ceil>ceil)|s(?<stride>[0-9]{1,9})|d(?<dilation>[0-9]{1,9})|o(?<extra>[0-9]{1,9})|p(?<padding>same_lower|same|valid|full|causal|[0-9]{1,9}(?:,[0-9]{1,9})?)/y;
const REPEAT = /\*([0-9]{1,9})$/;
const WORDS = { conv: ["same", "valid", "full", "causal"], pool: ["same", "valid", "full"], up: ["same", "valid"], resize: [] };
const CALLED = { ceil: "ceil_mode", extra: "output_padding" };

/** The settings of a layer's text after its kernel. Throws where they end. */
function settingsOf(body, from, fail) {
  const given = {};
  SETTING.lastIndex = from;
  while (SETTING.lastIndex < body.length) {
    const at = SETTING.lastIndex;
    const found = SETTING.exec(body);
    if (!found) fail("a setting is such as s2, p1, p0,1, psame, d2, o1 or ceil", at);
    const [name, value] = Object.entries(found.groups).find(([, value]) => value !== undefined);
    if (name in given) fail(`${CALLED[name] ?? name} is there twice`, at);
    given[name] = value;
  }
  return given;
}

/** What a layer's padding is: a word, or cells on both sides. */
function readPadding(text) {
  if (!/^[0-9]/.test(text)) return { padding: text.replace("_lower", ""), lower: text.endsWith("_lower") };
  return { padding: pair(text.includes(",") ? text.split(",").map(Number) : Number(text)), lower: false };
}

/** What is wrong with a layer, or nothing. */
function faultOf(kind, { taps, stride, dilation, padding, lower, extra, ceil }) {
  const zero = Object.entries({ kernel_size: taps, stride, dilation }).find(([, value]) => value < 1);
  if (zero) return `${zero[0]} must be at least 1, got 0`;
  const word = Array.isArray(padding) ? "" : padding;
  if (word && !WORDS[kind].includes(word)) return `padding must be another, ${kind} has no ${word}`;
  if (ceil && kind !== "pool") return "ceil_mode must be of a pooling";
  if (extra && kind !== "up") return "output_padding must be left out, only a transposed convolution has it";
  if (extra && extra >= Math.max(stride, dilation)) return `output_padding must be below ${Math.max(stride, dilation)}`;
  if (extra && word) return `output_padding must be 0 with padding ${word}, which sets the size`;
  const isPlain = stride === taps && dilation === 1 && !word && !padding[0] && !padding[1];
  if (kind === "resize" && !isPlain) return "a resize must have its factor alone";
  return lower && word !== "same" ? "padding must be another" : "";
}

/** The layers of a text such as `conv3s2p1 pool2`. Throws a sentence that says where it does not parse. */
export function parse(text) {
  const layers = [];
  for (const { 0: word, index } of text.matchAll(/\S+/g)) {
    const fail = (rule, offset = 0) => {
      const shown = word.length > 40 ? `${word.slice(0, 40)}...` : word;
      const at = [...text.slice(0, index)].length + 1 + offset;
      throw new Error(`stack must be layers such as conv3s2p1, got '${shown}' at character ${at}: ${rule}.`);
    };
    const repeats = Number(word.match(REPEAT)?.[1] ?? 1);
    const name = word.replace(REPEAT, "");
    const [start, kind, number] = name.match(START) ?? fail("a layer starts with conv, pool, up or resize and its kernel size");
    const taps = Number(number);
    const given = settingsOf(name, start.length, fail);
    const whole = kind === "pool" || kind === "resize" ? taps : 1;
    const layer = {
      name, taps, grows: kind === "up" || kind === "resize", stride: Number(given.stride ?? whole),
      dilation: Number(given.dilation ?? 1), extra: Number(given.extra ?? 0), ceil: "ceil" in given,
      ...readPadding(given.padding ?? "0"),
    };
    const fault = faultOf(kind, layer);
    if (fault) fail(fault);
    if (!repeats) fail("a layer is there at least once");
    if (layers.length + repeats > MOST_STACKED) throw new Error(`stack must hold at most ${MOST_STACKED} layers, got more.`);
    const most = Math.max(taps, layer.stride, layer.dilation, layer.extra, ...[layer.padding].flat().filter(Number.isInteger));
    if (most > MOST_OF_A_WINDOW) throw new Error(`stack must have no number above ${MOST_OF_A_WINDOW}, got ${name}.`);
    layers.push(...Array(repeats).fill(layer));
  }
  if (!layers.length) throw new Error("stack must hold a layer such as conv3s2p1.");
  const growth = layers.reduce((product, { grows, stride }) => product * (grows ? stride : 1), 1);
  if (growth > MOST_GROWTH) throw new Error(`stack must grow a map at most ${show(MOST_GROWTH)} times, got more.`);
  return layers;
}

/** Each layer where it lies over a size, up to the one that leaves nothing. */
export function walk(size, layers) {
  const steps = [];
  for (const layer of layers) {
    const placed = place(size, layer);
    if (!placed) break;
    steps.push({ layer, size, ...placed });
    size = placed.output;
  }
  return steps;
}

/** Whether what neighboring units of a layer read has no holes, so that a span of units reads a span. */
const isDense = ({ taps, stride, dilation, grows }) => !grows && dilation === 1 && taps >= stride;

/** How many spans `readBy` makes before it merges them. */
function costOf(spans, { layer }) {
  const { taps, stride, dilation, grows } = layer;
  if (isDense(layer)) return spans.length;
  if (grows || stride === 1) return spans.length * taps;
  return spans.reduce((sum, [from, to]) => sum + to - from, 0) * (dilation === 1 ? 1 : taps);
}

/** The places of the map below that these places of a layer's map read, both as spans, in order. */
function readBy(spans, { layer, size, before }) {
  const { taps, stride, dilation, grows } = layer;
  const found = [];
  const add = (from, to) => from < to && to > 0 && from < size && found.push([Math.max(0, from), Math.min(size, to)]);
  const tapsOf = (from, to) => range(taps).forEach((tap) => add(from + dilation * tap, to + dilation * tap));
  for (const [from, to] of spans) {
    if (isDense(layer)) add(stride * from - before, stride * (to - 1) + taps - before);
    else if (grows) {
      for (const tap of range(taps)) {
        const shift = before - dilation * tap;
        add(Math.ceil((from + shift) / stride), Math.ceil((to + shift) / stride));
      }
    } else if (stride === 1) tapsOf(from - before, to - before);
    else {
      for (let at = stride * from - before; at < stride * to - before; at += stride) {
        if (dilation === 1) add(at, at + taps);
        else tapsOf(at, at + 1);
      }
    }
  }
  const merged = [];
  for (const [from, to] of found.sort(([one], [other]) => one - other)) {
    if (merged.length && from <= merged.at(-1)[1]) merged.at(-1)[1] = Math.max(merged.at(-1)[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

/** The smallest size that fits, if more pixels never hurt; nothing up to a million. */
function smallestOf(fits) {
  let [low, high] = [1, FARTHEST + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) high = middle;
    else low = middle + 1;
  }
  return low > FARTHEST ? null : low;
}

/** Which sizes a stack takes: the smallest, those of a range, and those that lose no pixel, unless it takes too long. */
export function stackSizes(layers, sizes) {
  const fits = (size) => walk(size, layers).length === layers.length;
  const works = between(sizes).filter(fits);
  let work = 0;
  function losesNothing(size) {
    const steps = walk(size, layers);
    let spans = [[0, steps.at(-1).output]];
    for (const step of steps.reverse()) {
      work += costOf(spans, step);
      if (work > MOST_SPANS) return false;
      spans = readBy(spans, step);
    }
    return spans.length === 1 && spans[0][1] - spans[0][0] === size;
  }
  const lossless = works.filter(losesNothing);
  return { smallest: smallestOf(fits), works, lossless: work > MOST_SPANS ? null : lossless };
}

// Words

const { format } = new Intl.NumberFormat("en-US"); // slow to make
const show = (number) => format(number);
const many = (count, noun) => `${show(count)} ${noun}${count === 1 ? "" : "s"}`;
const told = (bound, any) => (bound === null ? any : Array.isArray(bound) ? `${bound[0]} to ${bound[1]}` : `${bound}`);
const sidesOf = (before, after) => (before === after ? `${before}` : `${before} before, ${after} after`);

/** Numbers in order, in short: runs by their ends, equal steps by their first. */
function listed(numbers) {
  const step = numbers[1] - numbers[0];
  if (numbers.length > 3 && step > 1 && numbers.every((each, place) => each === numbers[0] + step * place)) {
    return `${numbers[0]}, ${numbers[1]} and so on to ${numbers.at(-1)}, one in ${step}`;
  }
  const runs = [];
  for (const number of numbers) {
    if (runs.at(-1)?.[1] === number - 1) runs.at(-1)[1] = number;
    else runs.push([number, number]);
  }
  const words = runs.slice(0, ROWS).map(([from, to]) => (from === to ? from : `${from} to ${to}`));
  return words.join(", ") + (runs.length > ROWS ? `, and ${many(runs.length - ROWS, "more run")}` : "");
}

/** What is unread or unpadded, in words. */
function waste({ unread, unused, empty, board }) {
  const padding = unused[0] + unused[1];
  const words = [
    empty && `${many(empty, "output")} of padding alone`, unread && `${many(unread, "pixel")} unread`,
    padding && `${many(padding, "cell")} of padding unread`, board && "draws a checkerboard",
  ];
  return words.filter(Boolean).join(", ") || "nothing";
}

/** Whether an output is one that was asked for. */
function isWanted({ output: bound }, output) {
  const [least, most] = pair(bound ?? [0, Infinity]);
  return output >= least && output <= most;
}

/** How many settings there are and what they do, in words. */
function sum({ size, output }, { fit, nearest }) {
  const question = `${told(size, "any input")} into ${told(output, "any output")}`;
  if (fit.length) {
    const sorted = fit.length > 1 ? "The sensible come first: what wastes nothing, small kernels." : "";
    return `${many(fit.length, "setting")} ${fit.length > 1 ? "turn" : "turns"} ${question}. ${sorted}`;
  }
  if (!nearest.length) return `No setting within these bounds turns ${question}: none leaves a pixel.`;
  if (isWanted({ output }, nearest[0].output)) {
    return `Even padding never turns ${question} here. With one cell more after than before, ${many(nearest.length, "setting")} would.`;
  }
  const outputs = [...new Set(nearest.map((each) => each.output))].sort((one, other) => one - other);
  return `No setting within these bounds turns ${question}. The nearest make ${outputs.join(" or ")}.`;
}

/** Why a layer leaves nothing of a size, in words. */
function reason({ name, grows, ...layer }, size, place, count) {
  const who = `${name}, layer ${place + 1} of ${count},`;
  if (grows) return `${who} crops away all that it makes of ${many(size, "pixel")}.`;
  const [before, after] = padsOf(size, layer, reachOf(layer));
  return `${who} spans ${many(reachOf(layer), "pixel")}, but its map has ${before + size + after}, padding included.`;
}

/** What a stack takes, in words. */
function tellSizes({ sizes }, { smallest, works, lossless }) {
  if (smallest === null) return "No size up to a million works.";
  const least = `The smallest image is ${show(smallest)} × ${show(smallest)}.`;
  const asked = `Of ${sizes[0]} to ${sizes[1]}`;
  if (!works.length) return `${least} ${asked} none works.`;
  const whole = lossless === null ? "Which of them lose no pixel would take too long to find here."
    : lossless.length ? `These lose no pixel: ${listed(lossless)}.` : "Each of them loses pixels.";
  return `${least} ${asked} these work: ${listed(works)}. ${whole}`;
}

/** What becomes of one size, in words. */
function tellSize({ input_size: size, channels }, layers, steps) {
  if (steps.length < layers.length) {
    const below = steps.at(-1)?.output ?? size;
    return `${size} × ${size} is too small: ${reason(layers[steps.length], below, steps.length, layers.length)}`;
  }
  const last = steps.at(-1).output;
  const shape = `${show(last)} × ${show(last)}, times ${many(channels, "channel")}`;
  return `${size} × ${size} ends as ${shape}: ${show(last ** 2 * channels)} numbers for the first dense layer.`;
}

// The view

const entry = (name, label, hint = "any") => `<label>${label}<input part="${name}" autocomplete="off" spellcheck="false"
  ${hint === "number" ? 'type="number" min="1" max="65536"' : `placeholder="${hint}"`}></label>`;
const BOUNDS = Object.keys(NAMES);
const COLUMNS = {
  size: ["input", (found) => found.size], output: ["output", (found) => found.output],
  kernel_size: ["kernel", ({ layer }) => layer.taps], stride: ["stride", ({ layer }) => layer.stride],
  padding: ["padding", ({ before, after }) => sidesOf(before, after)],
  dilation: ["dilation", ({ layer }) => layer.dilation], output_padding: ["output padding", ({ layer }) => layer.extra],
  waste: ["wasted", waste],
};

const template = `
  <div class="settings network">
  ${menu("example", "question", "<option value='' hidden>your own")}
  ${menu("question", "about", "<option value='layer'>one layer<option value='stack'>a stack of layers")}
  </div>
  <div class="asked" part="layer" role="group" aria-label="One layer">
  <div class="settings">
  ${menu("kind", "kind", KINDS.map((kind) => `<option>${kind}`).join(""))}
  ${BOUNDS.map((name) => entry(name, NAMES[name])).join("")}
  <label class="check"><input type="checkbox" part="ceil_mode"> ceil mode: a last window may hang over</label>
  </div>
  <p>A number fixes it, as 3; a range bounds it, as 1-7; nothing leaves it open.</p>
  </div>
  <div class="asked" part="layers" role="group" aria-label="A stack of layers">
  <div class="settings">
  <label class="whole">layers<input part="stack" autocomplete="off" autocapitalize="off" spellcheck="false"></label>
  ${entry("sizes", "image sizes", "1-64")}${entry("input_size", "one image", "number")}${entry("channels", "last channels", "number")}
  </div>
  <p>Layers are <code>conv</code>, <code>pool</code>, <code>up</code> or <code>resize</code> and a kernel size, then
  <code>s</code> for stride, <code>p</code> for padding (<code>p1</code>, <code>psame</code>), <code>d</code> for dilation;
  <code>*3</code> repeats.</p>
  </div>
  <p class="problem" role="alert" part="problem"></p>
  <p aria-live="polite" part="words"></p>
  <div class="numbers solved" tabindex="0" role="group" aria-label="Answers"><table><thead><tr part="head"></tr></thead><tbody part="rows"></tbody></table></div>
  <div class="bar"><button part="more"></button></div>`;

/** The bound that a text says. Throws a sentence for the reader. */
function readBound(text, name) {
  const [, first, last] = text.trim().match(/^([0-9]{1,9})(?:\s*[-–]\s*([0-9]{1,9}))?$/) ?? [];
  if (first === undefined && text.trim() && text.trim() !== "any") {
    throw new Error(`${name} must be a number such as 3, a range such as 1-7, or nothing, got “${text.slice(0, 40)}”.`);
  }
  if (first === undefined) return null;
  return last === undefined || Number(first) === Number(last) ? Number(first) : [Number(first), Number(last)];
}

const writtenOf = (bound) => (bound === null ? "" : pair(bound)[0] === pair(bound)[1] ? `${pair(bound)[0]}` : bound.join("-"));
const cellsTold = (cells) => cells.map((cell) => `<td>${cell}`).join("");

/** The table of solutions: what is not fixed, and what is wasted. */
function tableOf(setting, found, most) {
  const shown = {
    ...COLUMNS, size: Array.isArray(setting.size ?? []) && COLUMNS.size,
    output: (!found.fit.length || Array.isArray(setting.output ?? [])) && COLUMNS.output,
    dilation: setting.dilation !== 1 && COLUMNS.dilation,
    output_padding: setting.kind === "transposed" && COLUMNS.output_padding,
  };
  const columns = Object.values(shown).filter(Boolean);
  const solutions = found.fit.length ? found.fit : found.nearest;
  return {
    heads: columns.map(([head]) => head),
    rows: solutions.slice(0, most).map((each) => cellsTold(columns.map(([, cell]) => cell(each)))),
    count: solutions.length,
  };
}

/** The first of the settings that do it, for its code. Throws a sentence for the reader if there is none. */
function layerOf(setting) {
  if (setting.question !== "layer") throw new Error("Lines of code are written for one layer, not for a stack.");
  const { fit, nearest } = solve(setting);
  const [first] = fit.length ? fit : nearest.filter(({ output }) => isWanted(setting, output)); // by uneven padding
  if (!first) throw new Error("No setting does it, so there are no lines.");
  const { layer, size, output: made, before, after } = first;
  const { taps, stride, dilation, extra, ceil: ceil_mode } = layer;
  const axis = { size, taps, stride, dilation, reach: reachOf(layer), before, after, count: made, extra, made };
  return { kind: setting.kind, axes: [axis, axis], ceil_mode, inputs: 3, outputs: 16 };
}

/** The table of a stack: what each layer makes of its map, and what it leaves unread. */
function layersOf({ input_size: size }, layers, steps) {
  const rows = layers.map(({ name }, index) => {
    const step = steps[index];
    const cells = step ? [show(step.output), waste({ ...weigh(step), unused: [0, 0] })] : ["–", index === steps.length ? "fails" : "–"];
    return `<th scope="row">${name}${cellsTold(cells)}`;
  });
  const image = `<th scope="row">image${cellsTold([show(size), "–"])}`;
  return { heads: ["layer", "map", "wasted"], rows: [image, ...rows], count: rows.length + 1 };
}

function render({ model, el }) {
  const view = openView({
    model, el, name: "solver-explorer", template, rules: RULES, defaults: DEFAULTS, fit, showControls, update,
    folds: foldsOf(layerOf),
  });
  const { part, read, choose } = view;
  const examples = model.get("examples");
  for (const name in examples) part.example.add(new Option(name));
  const isShown = (setting, name) => JSON.stringify(examples[name]) === JSON.stringify(pick(setting, examples[name]));
  const pick = (setting, names) => Object.fromEntries(Object.keys(names).map((name) => [name, setting[name]]));
  let most = ROWS;

  function showControls(setting) {
    part.layer.hidden = setting.question !== "layer";
    part.layers.hidden = setting.question !== "stack";
    part.output_padding.parentNode.hidden = setting.kind !== "transposed";
    part.ceil_mode.parentNode.hidden = setting.kind !== "pooling";
    part.ceil_mode.checked = setting.ceil_mode;
    for (const name of ["question", "kind", "stack", "input_size", "channels"]) {
      if (part[name].value !== `${setting[name]}`) part[name].value = setting[name]; // else the caret would jump
    }
    for (const name of [...BOUNDS, "sizes"]) {
      let typed; // a range that is written in another way stays as it is written
      try {
        typed = writtenOf(readBound(part[name].value, name));
      } catch {
        typed = undefined;
      }
      if (typed !== writtenOf(setting[name])) part[name].value = writtenOf(setting[name]);
    }
    if (!examples[part.example.value] || !isShown(setting, part.example.value)) {
      part.example.value = Object.keys(examples).find((name) => isShown(setting, name)) ?? "";
    }
  }

  function update() {
    const setting = read();
    let [words, table] = [];
    if (setting.question === "layer") {
      const found = solve(setting);
      words = sum(setting, found);
      table = tableOf(setting, found, most);
    } else {
      const layers = parse(setting.stack);
      const steps = walk(setting.input_size, layers);
      words = `${tellSizes(setting, stackSizes(layers, setting.sizes))} ${tellSize(setting, layers, steps)}`;
      table = layersOf(setting, layers, steps);
    }
    say(part.words, words);
    put(part.head, table.heads.map((head) => `<th scope="col">${head}`).join(""));
    put(part.rows, table.rows.map((row) => `<tr>${row}`).join(""));
    part.rows.closest("div").hidden = !table.rows.length;
    part.more.parentNode.hidden = table.rows.length === table.count || table.rows.length === MOST_ROWS;
    say(part.more, `Show ${show(Math.min(table.count, MOST_ROWS) - table.rows.length)} more`);
  }

  /** Chooses what the reader has written, or says what is wrong with it. */
  function written(name, text, take) {
    try {
      most = ROWS;
      say(part.problem, ""); // which stays where nothing changes
      choose({ [name]: take(text, name) });
    } catch (error) {
      if (error.constructor !== Error) throw error;
      say(part.problem, error.message);
    }
  }
  for (const name of [...BOUNDS, "sizes"]) {
    const take = name === "sizes" ? (text) => pair(readBound(text, name)) : readBound;
    part[name].oninput = () => written(name, part[name].value, take);
  }
  for (const name of ["input_size", "channels"]) part[name].oninput = () => written(name, part[name].value, Number);
  for (const name of ["question", "kind", "stack"]) part[name].oninput = () => written(name, part[name].value, String);
  part.ceil_mode.onchange = () => written("ceil_mode", part.ceil_mode.checked, Boolean);
  part.example.onchange = () => {
    most = ROWS;
    choose(examples[part.example.value]);
  };
  part.more.onclick = () => {
    most = MOST_ROWS;
    update();
    part.rows.closest("div").focus();
  };
  return view.start();
}

/** Throws a sentence for the reader if one of both questions has too much within, or a text that does not parse. */
function fit(setting) {
  boundsOf(setting);
  const [[first, last], layers] = [setting.sizes, parse(setting.stack)];
  const steps = (last - first + 1) * layers.length;
  if (steps > MOST_STEPS) {
    const rule = `must be so few that at most ${show(MOST_STEPS)} layers are walked`;
    throw new Error(`sizes ${rule}, got ${show(steps)}: narrow them.`);
  }
}

export default { render };
