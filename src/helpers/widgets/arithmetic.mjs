// What the explorers compute of layers, and how they say it: windows and copies of a kernel on a grid, and stacks of
// layers along an axis.
//
// Whatever the kind of layer, windows lie on a ground, one for each cell of a map of stops. A convolution or a pooling
// gathers: its ground is the padded input, its stops are the output. A transposed convolution scatters: its stops are
// the input, its ground is the output before the crop, and its windows are copies of the kernel that add up.
//
// tests/golden/windows.json and stacks.json hold this to torch, to helpers.arithmetic and to helpers.convolution.

import { axis, clamp, grid, isInput, line, pair, range } from "./common.mjs";

const MOST_DRAWN = 112; // pixels of the ground along an axis
const MOST_UNITS = 4096; // of a map, and of those that see unlike
const PER_AXIS = ["input_size", "kernel_size", "stride", "dilation", "output_padding"];

export const isPooling = (kind) => kind.endsWith("pooling");

/** What a transposed convolution crops before and after, and what it adds at the end. */
function crops(size, reach, { stride, padding, convention, output_padding: extra = 0 }) {
  if (typeof padding === "string") {
    const owner = convention === "pytorch" ? " in PyTorch" : "";
    const isKnown = !owner && ["valid", "same"].includes(padding);
    if (!isKnown) throw new Error(`A transposed convolution has no padding “${padding}”${owner}.`);
    if (extra) throw new Error(`Output padding must be 0 with padding “${padding}”, which sets the size, got ${extra}.`);
  }
  const spread = (size - 1) * stride + reach;
  if (padding === "valid") return [0, 0, convention === "tensorflow" ? Math.max(0, size * stride - spread) : 0];
  if (padding !== "same") return [...pair(padding), extra];
  const missing = Math.max(0, size * stride - spread);
  const [total, isLower] = [Math.max(0, spread - size * stride), convention === "onnx-lower"];
  if (isLower && missing) throw new Error(`ONNX ends with the last copy, at ${spread} pixels, and makes no ${size * stride} of ${size}.`);
  const less = total >> 1;
  return [...(isLower ? [total - less, less] : [less, total - less]), missing];
}

/**
 * One axis of a transposed convolution, seen from its output: windows are the copies of its kernel, one for each input.
 *
 * So `count` is of the input and `size` of the output, and `before` and `after` are the cells that are cropped.
 */
export function grownAxis(inputs, window) {
  const { kernel_size: taps, stride, dilation = 1, output_padding: added = 0 } = window;
  const most = Math.max(stride, dilation);
  if (added >= most) throw new Error(`Output padding must be below ${most}, the larger of stride and dilation, got ${added}.`);
  const reach = dilation * (taps - 1) + 1;
  const spread = (inputs - 1) * stride + reach;
  const [before, end, extra] = crops(inputs, reach, window);
  const size = spread + extra - before - end;
  if (size < 1) throw new Error(`Padding ${before} and ${end} crops away all ${spread + extra} pixels of the output.`);
  const after = Math.max(0, spread - before - size);
  return { size, taps, stride, dilation, reach, before, after, padded: before + size + after, end, extra, count: inputs };
}

/** Both axes, and how many windows each cell of the ground is in. Throws a sentence for the reader if none fits. */
export function axes({ kind, padding, convention, padding_mode, ceil_mode, ...setting }) {
  return [0, 1].map((side) => {
    const [size, kernel_size, stride, dilation, output_padding] = PER_AXIS.map((name) => pair(setting[name])[side]);
    const window = { kernel_size, stride, dilation, padding: pair(padding)[side], convention, ceil_mode, output_padding };
    const own = kind === "transposed" ? grownAxis(size, window) : axis(size, window);
    if (own.padded > MOST_DRAWN) throw new Error(`The output must have at most ${MOST_DRAWN} pixels before the crop, got ${own.padded}.`);
    if (isPooling(kind)) checkPool(own, padding);
    else checkFill(own, padding_mode);
    const reads = new Array(own.padded).fill(0);
    for (let stop = 0; stop < own.count; stop++) {
      for (let tap = 0; tap < kernel_size; tap++) reads[stop * stride + tap * dilation] += 1;
    }
    return { ...own, reads, isRead: (cell) => reads[cell] > 0 };
  });
}

/** The layer of a setting, for its code. Throws a sentence for the reader if no lines say it. */
export function layerOf(setting) {
  const { kind, padding, convention, padding_mode: mode, ceil_mode } = setting;
  const both = axes(setting);
  if (mode !== "zeros" && both.some(({ before, after }) => before || after)) {
    throw new Error(`There are no lines for padding “${mode}”: they all pad with zeros.`);
  }
  const cropped = ({ end, ...axis }) => ({ ...axis, after: end, made: axis.size });
  return {
    kind: kind === "max pooling" ? "pooling" : kind, axes: kind === "transposed" ? both.map(cropped) : both, padding,
    convention, ceil_mode, inputs: 1, outputs: 1,
  };
}

/** Throws a sentence for the reader if the padding is wider than its mode can fill. */
function checkFill({ size, before, after }, mode) {
  const widest = { reflect: size - 1, circular: size }[mode] ?? Infinity;
  if (Math.max(before, after) > widest) throw new Error(`Padding “${mode}” adds at most ${widest} cells to a side of ${size} pixels.`);
}

/** Throws a sentence for the reader if a window of a pooling could hold nothing but padding. */
function checkPool(own, padding) {
  const { taps, stride, dilation, before, after, count } = own;
  const [half, wider] = [taps >> 1, Math.max(before, after)];
  if (padding !== "same" && wider > half) throw new Error(`Padding of a pooling must be at most half of its window, ${half} of ${taps}, got ${wider}.`);
  const isEmpty = (stop) => !range(taps).some((tap) => isInput(own, stop * stride + tap * dilation));
  if (range(count).some(isEmpty)) throw new Error("A window of the pooling would hold nothing but padding: use less padding or dilation.");
}

/** The index whose value a cell beyond the input repeats, or -1 for zero. */
function source(index, size, mode) {
  if (index >= 0 && index < size) return index;
  if (mode === "replicate") return clamp(index, 0, size - 1);
  if (mode === "reflect") return index < 0 ? -index : 2 * (size - 1) - index;
  return mode === "circular" ? (index + size) % size : -1;
}

/** The ground, and the map of stops. */
export function groundAndStops(setting, [rows, columns], image, kernel) {
  const grows = setting.kind === "transposed";
  const scene = { kind: setting.kind, grows, rows, columns, kernel };
  scene.ground = grows ? scatter(image, scene) : pad(image, scene, setting);
  scene.stops = grows ? image : gather(scene);
  return scene;
}

/** The padded input. In a pooling nothing stands where padding does not count; a maximum never takes it. */
function pad(image, { kind, rows, columns }, { padding_mode, count_include_pad }) {
  const sources = ({ padded, before, size }) => range(padded).map((index) => source(index - before, size, padding_mode));
  const across = sources(columns);
  const counts = ({ before, size, after }, index) => index < before + size + after; // a window may hang over further
  const beside = (row, column) => {
    if (kind === "max pooling") return -Infinity;
    const isZero = kind === "convolution" || (count_include_pad && counts(rows, row) && counts(columns, column));
    return isZero ? 0 : null;
  };
  return sources(rows).map((row, i) => across.map((column, j) => image[row]?.[column] ?? beside(i, j)));
}

/** What a window makes of the cells under it. */
function gather({ kind, rows, columns, kernel, ground }) {
  return grid(rows.count, columns.count, (row, column) => {
    let [sum, most, counted] = [0, -Infinity, 0];
    for (let i = 0; i < rows.taps; i++) {
      const line = ground[row * rows.stride + i * rows.dilation];
      const left = column * columns.stride;
      for (let j = 0; j < columns.taps; j++) {
        const value = line[left + j * columns.dilation];
        if (kind === "convolution") sum += value * kernel[i][j];
        else if (value > most) most = value;
        if (kind === "average pooling" && value !== null) [sum, counted] = [sum + value, counted + 1];
      }
    }
    return { "max pooling": most, "average pooling": sum / counted }[kind] ?? sum;
  });
}

/** A copy of the kernel for each input, multiplied by it, and where copies overlap their sum. */
function scatter(image, { rows, columns, kernel }) {
  const ground = grid(rows.padded, columns.padded, () => 0);
  for (let row = 0; row < rows.count; row++) {
    for (let i = 0; i < rows.taps; i++) {
      const line = ground[row * rows.stride + i * rows.dilation];
      for (let column = 0; column < columns.count; column++) {
        const left = column * columns.stride;
        for (let j = 0; j < columns.taps; j++) line[left + j * columns.dilation] += image[row][column] * kernel[i][j];
      }
    }
  }
  return ground;
}

/** The stops whose window has a tap on a cell, each with that tap. */
export function meeting({ count, taps, stride, dilation }, cell) {
  const pairs = range(taps).map((tap) => [(cell - tap * dilation) / stride, tap]);
  return pairs.filter(([stop]) => Number.isInteger(stop) && stop >= 0 && stop < count).reverse();
}

// Stacks

/**
 * What all units of a map see of the input, borders left aside.
 *
 * Behind a layer that grows, neighbors see unlike. But what the first few see, their `spans`, all others see again: the
 * unit `spans.length` further sees the same, `distance` pixels on. `middle` is the center of unit 0's windows, in parts
 * of a pixel, two to each of the spans.
 */
const INPUT = { spans: [[0, 0]], distance: 1, middle: 0 };

/** The first and last pixel that a unit sees; nothing if it reads none. */
export function spanOf({ spans, distance }, unit) {
  const moves = Math.floor(unit / spans.length);
  return spans[unit - moves * spans.length]?.map((end) => end + moves * distance);
}

/** What the units of a layer see; `first` is where its windows start. */
function fieldsAbove(below, { taps, stride, dilation, reach, first, grows }) {
  const count = below.spans.length * (grows ? stride : 1);
  if (count > MOST_UNITS) throw new Error(`Layers that grow must multiply to at most ${MOST_UNITS}, got ${count}.`);
  const hull = (unit) => {
    let span = null;
    for (let tap = 0; tap < taps; tap++) {
      const place = grows ? (unit - first - tap * dilation) / stride : first + unit * stride + tap * dilation;
      const seen = Number.isInteger(place) && spanOf(below, place);
      if (seen) span = span ? [Math.min(span[0], seen[0]), Math.max(span[1], seen[1])] : seen;
    }
    return span;
  };
  const ends = (2 * first + reach - 1) * below.distance;
  const [distance, middle] = grows
    ? [below.distance, below.middle * stride - ends]
    : [below.distance * stride, below.middle + ends];
  return { spans: range(count).map(hull), distance, middle };
}

/** A level of a stack with what its units see: size and start of the field, the jump, the middle of unit 0. */
function seeing(level, fields) {
  const { spans, distance, middle } = fields;
  const sizes = spans.filter(Boolean).map(([from, to]) => to - from + 1);
  const center = middle / (2 * spans.length);
  const start = spans[0]?.[0] ?? Math.floor(center);
  return { ...level, fields, field: Math.max(0, ...sizes), jump: distance / spans.length, start, first: center };
}

/** The map that a layer makes of the one below. Throws a sentence for the reader if it cannot. */
function above(below, layer, dimensions) {
  const { kind, channels, bias, depthwise } = layer;
  const grows = kind === "transposed" || kind === "resize";
  const isCausal = layer.padding === "causal";
  const window = isCausal ? { ...layer, padding: [layer.dilation * (layer.kernel_size - 1), 0] } : layer;
  const own = grows ? grownAxis(below.size, window) : axis(below.size, window, ["kernel", "its map"]);
  const size = grows ? own.size : own.count;
  if (size > MOST_UNITS) throw new Error(`Its map must have at most ${MOST_UNITS} units to be drawn, got ${size}.`);
  const offset = -own.before;
  const weights = (depthwise || channels) * below.channels * own.taps ** dimensions;
  const level = {
    ...layer, size, offset, grows,
    before: grows ? 0 : own.before,
    after: grows ? 0 : own.padded - own.before - own.size,
    sides: [own.before, own.end ?? own.after], // as set: what is drawn also holds what a window hangs over
    channels: channels ?? below.channels,
    parameters: weights + (depthwise ? below.channels : channels) * bias,
    macs: weights * (grows ? below.size : size) ** dimensions,
  };
  return seeing(level, fieldsAbove(below.fields, { ...own, grows, first: offset }));
}

/** The input and the map of each layer. Throws a sentence for the reader if a layer cannot be drawn. */
export function levelsOf({ size, channels, dimensions }, layers) {
  const levels = [seeing({ name: "input", size, channels, parameters: 0, macs: 0 }, INPUT)];
  layers.forEach((layer, index) => {
    const name = layer.name || `layer ${index + 1}`;
    try {
      levels.push({ ...above(levels.at(-1), layer, dimensions), name });
    } catch (error) {
      throw new Error(`${name}, number ${index + 1} of ${layers.length}: ${error.message}`);
    }
  });
  return levels;
}

/** The places at each level that units of one depend on, from the image up; those beside a map are padding. */
export function dependencies(levels, top, units) {
  const places = [units];
  for (let level = top; level > 0; level--) {
    const { before, after, stride, dilation, kernel_size: taps, offset, grows } = levels[level];
    const isRead = new Uint8Array(before + levels[level - 1].size + after);
    for (const unit of inside(places[0], levels[level])) {
      for (let tap = 0; tap < taps; tap++) {
        const place = grows ? (unit - offset - tap * dilation) / stride : offset + unit * stride + tap * dilation;
        if (Number.isInteger(place)) isRead[before + place] = 1; // ignored where it is no index
      }
    }
    const found = [];
    isRead.forEach((read, index) => read && found.push(index - before));
    places.unshift(found);
  }
  return places;
}

export const inside = (places, { size }) => places.filter((place) => place >= 0 && place < size);

// Words

/** The size of a transposed convolution with the numbers of each axis in it. */
export function grownFormula(...axes) {
  const [down, across] = axes.map(({ size, count, taps, stride, dilation, before, end, extra }) => {
    const reach = dilation > 1 ? `${dilation} · (${taps} − 1) + 1` : taps;
    return `(${count} − 1) · ${stride} + ${reach} − ${before} − ${end} + ${extra} = <strong>${size}</strong>`;
  });
  return down === across ? line("rows, columns", down) : line("rows", down) + line("columns", across);
}

/** How many copies of the kernel meet in a pixel, the border left aside. */
export function copies(...axes) {
  const [down, across] = axes.map(({ taps, stride, dilation }) => {
    const meets = (offset) => range(taps).filter((tap) => (tap * dilation) % stride === offset).length;
    return range(stride).map(meets);
  });
  const counts = [...new Set(down.flatMap((count) => across.map((other) => count * other)))].sort((a, b) => a - b);
  const [last, ...others] = counts.toReversed();
  if (!others.length) return `Away from the border each gets ${last}: no checkerboard.`;
  return `Away from the border they get ${others.toReversed().join(", ")} or ${last} in turn: a checkerboard.`;
}

/** First and last of each run of neighbors. */
export function runs(places) {
  const found = [];
  for (const place of places) {
    if (found.at(-1)?.[1] === place - 1) found.at(-1)[1] = place;
    else found.push([place, place]);
  }
  return found;
}

const { format } = new Intl.NumberFormat("en-US"); // slow to make
/** A whole number, in groups of three. */
export const grouped = (number) => format(number).replace("-", "−");

/** The jump of a level, as a fraction where it is one. */
export function showJump({ fields: { spans, distance } }) {
  const shared = gcd(spans.length, distance);
  return grouped(distance / shared) + (shared < spans.length ? `/${spans.length / shared}` : "");
}
const gcd = (a, b) => (b ? gcd(b, a % b) : a);
export const isUneven = ({ fields }) => fields.spans.length > 1;

/** What a unit sees, in words. */
export function tell({ levels, dimensions }, level, unit, read) {
  const { name, fields } = levels[level];
  const span = spanOf(fields, unit);
  if (!span) return `Unit ${unit} of ${name} reads nothing: no copy reaches it.`;
  const [first, last] = span;
  const field = last - first + 1;
  const within = Math.max(0, Math.min(last, levels[0].size - 1) - Math.max(first, 0) + 1);
  const places = dimensions > 1 ? ["pixels", " along each axis", "image"] : ["samples", "", "signal"];
  const seen = `${places[0]} ${grouped(first)} to ${grouped(last)}${places[1]}, a field of ${grouped(field)}`;
  const rest = within < field ? `, of which ${within} lie in the ${places[2]}.` : ".";
  const lost = read < within ? ` It reads ${read} of these; no path leads from the others.` : "";
  return `Unit ${unit} of ${name} sees ${seen}${rest}${lost}`;
}

/** What no unit of the last layer sees, in words. */
export function tellUnread({ levels, unread, dimensions }) {
  const [{ size }, { name }] = [levels[0], levels.at(-1)];
  const [noun, ends, whole] = dimensions > 1 ? ["pixels", "rows and columns", "image"] : ["samples", "number", "signal"];
  if (!unread.length) return `${name} reads the whole ${whole}.`;
  const lost = grouped(size ** dimensions - (size - unread.length) ** dimensions);
  const places = runs(unread).map(([from, to]) => grouped(from) + (from < to ? ` to ${grouped(to)}` : ""));
  return `${name} never reads ${lost} of ${grouped(size ** dimensions)} ${noun}: ${ends} ${places.join(", ")}.`;
}

/** A layer's settings in short; padding as the cells that it comes to. */
export function brief(level, dimensions) {
  const { kernel_size: taps, stride, dilation, depthwise, kind, grows, sides, output_padding, ceil_mode } = level;
  if (kind === "resize") return `resize by ${taps}`;
  const cells = sides[0] === sides[1] ? sides[0] : sides.join(" and ");
  const words = [
    Array(dimensions).fill(taps).join(" × "), depthwise && "depthwise", kind, stride > 1 && `stride ${stride}`,
    dilation > 1 && `dilation ${dilation}`, sides.some(Boolean) && `${grows ? "crop" : "padding"} ${cells}`,
    output_padding && `output padding ${output_padding}`, ceil_mode && "rounded up",
  ];
  return words.filter(Boolean).join(", ");
}

/** How a layer's jump and field come from those below. */
export function derive(below, level) {
  const { name, stride, dilation, kernel_size: taps, field, kind } = level;
  const from = showJump(below);
  const jump = `${name}: jump ${from} ${kind ? "/" : "·"} ${stride} = ${showJump(level)}`;
  if (isUneven(below) || isUneven(level)) return `${jump}, field up to ${grouped(field)}: neighbors see unlike, after a map has grown.`;
  const steps = `(${taps} − 1)${dilation > 1 ? ` · ${dilation}` : ""} · ${from}`;
  return `${jump}, field ${grouped(below.field)} + ${steps} = ${grouped(field)}.`;
}
