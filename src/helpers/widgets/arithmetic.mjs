// What the explorers compute of layers: windows and copies of a kernel on a grid.
//
// Whatever the kind of layer, windows lie on a ground, one for each cell of a map of stops. A convolution or a pooling
// gathers: its ground is the padded input, its stops are the output. A transposed convolution scatters: its stops are
// the input, its ground is the output before the crop, and its windows are copies of the kernel that add up.
//
// tests/golden/windows.json holds this to torch, to helpers.arithmetic and to helpers.convolution.

import { axis, clamp, grid, isInput, line, pair, range } from "./common.mjs";

const MOST_DRAWN = 112; // pixels of the ground along an axis
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
  const total = Math.max(0, spread - size * stride);
  const less = total >> 1;
  return [...(convention === "onnx-lower" ? [total - less, less] : [less, total - less]), Math.max(0, size * stride - spread)];
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
export function sceneOf(setting, [rows, columns], image, kernel) {
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
