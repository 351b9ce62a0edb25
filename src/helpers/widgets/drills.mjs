// Exercises without end: from a seed to a question, its answer, the lines of the sum, and what a wrong answer thinks.
//
// The words stand in drills.json, which helpers.drills reads, too. tests/golden/drills.json holds every field of thousands
// of exercises, and what is said of their answers, to Python's.

import { grouped, grownAxis, levelsOf } from "./arithmetic.mjs";
import { axis, randomStream, range } from "./common.mjs";
import { writeAddress } from "./share.mjs";
import TABLE from "../drills.json" with { type: "json" };

const LEVELS = 4;
const TRIES = 2000; // draws of an exercise, of which the rules of a level take some


const mapped = (object, change) => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value, name)]));

/** What an exercise can be about, by name. */
export const DRILLS = mapped(TABLE.kinds, ({ title, chapters }, name) => ({ name, title, chapters }));

// What the rules of a kind make of drawn numbers: `facts` for the templates, and `layers`, those of each layer or axis; the
// `answer`; `wrong` answers by misconception; `bends`, the layer at whose line each bends; and the explorer that `opens`.

/** A list for each misconception, of its numbers along each axis. */
const joined = (axes) => mapped(axes[0], (_, slug) => axes.map((own) => own[slug]));

/** By misconception the first axis along which a wrong answer is wrong. */
const firstBends = (wrong, answer) =>
  mapped(wrong, (each) => Math.max(0, each.findIndex((number, place) => number !== answer[place])));
const firstIndex = (tests) => (tests.includes(true) ? tests.indexOf(true) : null);
const alike = (values) => (values.every((value) => value === values[0]) ? values[0] : values);
const up = (above, below) => -Math.floor(-above / below);
const half = (number) => Math.floor(number / 2);

/** What the lines say of one axis: the window, its room, and the strides that fit. */
function axisOf(draw, label) {
  const { size, kernel_size, stride, dilation, padding: before, extra, ceils } = draw;
  const after = before + extra;
  const reach = dilation * (kernel_size - 1) + 1;
  const padded = before + size + after;
  const room = padded - reach;
  return {
    ...draw, label, window: { kernel_size, stride, dilation, padding: [before, after], ceil_mode: !!ceils }, before, after,
    dilated: dilation > 1, bare: after === 0, even: before === after && after > 0, uneven: before !== after, reach, padded,
    room, whole: Math.floor(room / stride), rest: room - Math.floor(room / stride) * stride, single: !label, fits: room >= 0,
  };
}

const axesOf = ({ count, layers }) => layers.map((layer, place) => axisOf(layer, count === 2 ? ["rows", "columns"][place] : ""));

/** The settings of the convolution explorer that show these axes. */
function shownByConvolution(axes) {
  const [{ ceils }] = axes;
  const of = (name) => alike(axes.map((axis) => axis[name]));
  const sides = axes.map(({ before, after }) => [before, after]);
  return {
    explorer: "convolution", ...(ceils && { kind: "max pooling" }), input_size: of("size"), kernel_size: of("kernel_size"),
    stride: of("stride"), padding: axes.some(({ uneven }) => uneven) ? [sides[0], sides.at(-1)] : of("before"),
    ...(axes.some(({ dilated }) => dilated) && { dilation: of("dilation") }), ...(ceils && { ceil_mode: true }),
  };
}

/** The size along an axis as those get it who make one mistake. */
function sizesMistaken({ size, kernel_size, stride, dilation, reach, room, padded, before, after, ceils }) {
  const count = (room, rounds = ceils) => (rounds ? up(room, stride) : Math.floor(room / stride)) + 1;
  return {
    "no-first-stop": count(room) - 1,
    [ceils ? "floor-for-ceil" : "ceil-for-floor"]: count(room, !ceils),
    "padding-once": count(room - after),
    "no-padding": count(room - before - after),
    "kernel-for-reach": count(room + reach - kernel_size),
    "dilated-kernel": count(room + reach - dilation * kernel_size),
    "no-stride": room + 1,
    "one-too-early": Math.floor((room + 1) / stride),
    "size-over-stride": up(size, stride),
    "no-kernel": count(padded),
    ...(ceils && { "ceil-without-rule": count(room) }),
  };
}

function outputSize(draw, level) {
  const axes = axesOf(draw);
  if (!axes.every(({ fits }) => fits)) return null;
  const rounds = firstIndex(axes.map(({ rest }) => rest > 0));
  const [{ ceils, extra, dilated, size }] = axes;
  const twists = [dilated, extra, ceils].filter(Boolean).length;
  if ((level === 1) !== (rounds === null) || (twists !== Number(level === 3) && level < 4)) return null;
  if (axes.some(({ padding, ceils, kernel_size }) => padding * (ceils ? 2 : 1) > kernel_size)) return null;
  if (level === 4 && size === axes[1].size) return null;
  for (const own of axes) {
    own.count = axis(own.size, own.window).count;
    own.strides = own.count - 1;
    own.double = axes.length === 2;
    own.more = own.strides - own.whole;
    own.left = own.ceils && own.rest && !own.more;
    own.dropped = own.rest && !own.ceils;
  }
  const answer = axes.map(({ count }) => count);
  const wrong = joined(axes.map(sizesMistaken));
  return {
    facts: { across: axes.at(-1).size, floors: !ceils }, layers: axes, answer, wrong,
    opens: shownByConvolution(axes), bends: firstBends(wrong, answer), rounds,
  };
}

/** The pixels along an axis that are never read, as those count them who make one mistake. */
function lostMistaken({ size, kernel_size: kernel, stride, rest, tail, gap, gaps, whole, lost }) {
  const bare = size - kernel;
  return {
    "padding-is-read": rest + gaps,
    "no-padding": bare < 0 ? lost : (bare % stride) + Math.floor(bare / stride) * gap,
    "no-tail": gaps,
    "no-gaps": tail,
    "stride-skips": tail + whole * (stride - 1),
    "gap-at-the-end": tail + gaps + gap,
    "window-is-a-point": tail + gaps + kernel - 1,
  };
}

function unreadPixels(draw, level) {
  const axes = axesOf(draw);
  if (!axes.every(({ fits }) => fits)) return null;
  for (const own of axes) {
    own.eaten = Math.min(own.rest, own.after);
    own.tail = own.rest - own.eaten;
    own.gap = Math.max(0, own.stride - own.kernel_size);
    own.gaps = own.whole * own.gap;
    own.lost = own.tail + own.gaps;
    own.double = axes.length === 2;
    if (unreadOf(own) !== own.lost) return null; // a gap reaches into the padding, which the lines do not tell
  }
  const [first, last] = [axes[0], axes.at(-1)];
  if (((level === 3) !== first.gap > 0 && level < 4) || (level === 2 && !first.rest)) return null;
  const total = (rows, columns) => first.size * last.size - (first.size - rows) * (last.size - columns);
  let wrong = joined(axes.map(lostMistaken));
  const lost = axes.map((own) => own.lost);
  const bends = firstBends(wrong, lost);
  if (axes.length === 2) {
    const [rows, columns] = lost;
    if (!rows || !columns) return null;
    wrong = {
      ...mapped(wrong, (each) => [total(...each)]), "corners-twice": [rows * last.size + columns * first.size],
      "lines-for-pixels": [rows + columns], "corners-only": [rows * columns],
    };
  }
  const all = axes.length === 2 ? total(...lost) : lost[0];
  return {
    facts: { across: last.size, lostacross: last.lost, total: all, read: first.size * last.size - all }, layers: axes,
    answer: [all], wrong, opens: { ...shownByConvolution(axes), view: "coverage" }, bends,
  };
}

/** How many pixels of an axis no window reads. */
function unreadOf({ size, window }) {
  const { before, padded, count, stride, taps, dilation } = axis(size, window);
  const isRead = new Array(padded).fill(false);
  for (let stop = 0; stop < count; stop++) for (let tap = 0; tap < taps; tap++) isRead[stop * stride + tap * dilation] = true;
  return range(size).filter((pixel) => !isRead[before + pixel]).length;
}

function paddingForSize({ layers: [draw] }, level) {
  const own = axisOf(draw, "");
  if (!own.fits) return null;
  const { size, kernel_size: kernel, stride, dilation, reach, window, padding: most } = own;
  const wanted = axis(size, window).count;
  const needed = (wanted - 1) * stride + reach;
  const missing = needed - size;
  const isEnough = (padding) => size + 2 * padding >= reach && axis(size, { ...window, padding }).count === wanted;
  const least = range(most + 1).find(isEnough);
  if (missing < 1 || wanted < 2 || (level < 3 && (level === 1) !== (wanted === size))) return null;
  const wrong = {
    "both-sides-at-once": missing, "half-down": half(missing), "same-rule": half(reach - 1),
    "kernel-for-reach": up(missing + kernel - reach, 2), "dilated-kernel": up(missing + dilation * kernel - reach, 2),
    "as-many-strides": up(missing + stride, 2), "no-stride": up(wanted - 1 + reach - size, 2),
    "difference-only": wanted - size, "difference-halved": up(wanted - size, 2), "window-is-a-point": up(missing + 1 - reach, 2),
    "one-by-habit": 1,
  };
  return {
    facts: {}, layers: [{ ...own, wanted, needed, missing, least, odd: missing % 2 }], answer: [least], wrong: joined([wrong]),
    opens: { explorer: "solver", size, output: wanted, kernel_size: kernel, stride, dilation },
  };
}

function samePadding({ layers: [draw] }, level) {
  const { size, kernel_size: kernel, stride, dilation, convention, unit } = draw;
  const reach = dilation * (kernel - 1) + 1;
  const count = up(size, stride);
  const total = (count - 1) * stride + reach - size;
  const lower = convention === "onnx-lower";
  if (total < 1 || (convention === "pytorch" && stride > 1) || (level === 1 && total % 2)) return null;
  if ((level === 2 && total % 2 === 0) || (level === 3 && dilation === 1 && convention === "tensorflow")) return null;
  const { before, after } = axis(size, { kernel_size: kernel, stride, dilation, padding: "same", convention });
  const sides = (pixels) => {
    const less = half(Math.max(0, pixels));
    const more = Math.max(0, pixels) - less;
    return lower ? [more, less] : [less, more];
  };
  let wrong = {
    "other-convention": [after, before], "half-the-kernel": [half(reach), half(reach)], "both-sides-at-once": [total, total],
    "same-rule": sides(reach - 1), "kernel-for-reach": sides(total + kernel - reach),
    "outputs-rounded-down": sides((Math.floor(size / stride) - 1) * stride + reach - size),
    "one-side-only": lower ? [total, 0] : [0, total], "no-padding": [0, 0],
  };
  const first = unit * stride - before;
  const last = first + reach - 1;
  const opens = { explorer: "convolution", input_size: size, kernel_size: kernel, stride, padding: "same", convention, dilation };
  if (level === 4) {
    if (first < 0 || last >= size || unit >= count) return null;
    wrong = mapped(wrong, ([left]) => [unit * stride - left, unit * stride - left + reach - 1]);
    const [start] = wrong["kernel-for-reach"];
    Object.assign(wrong, {
      "kernel-for-reach": [start, start + kernel - 1], "counted-from-one": [first - stride, last - stride],
      "one-past-the-end": [first, last + 1], "no-stride": [unit - before, unit - before + reach - 1],
    });
    opens.selected = [unit, unit];
  }
  const facts = {
    reach, count, needed: size + total, total, before, after, first, last, dilated: dilation > 1, strided: stride > 1,
    which: level === 4, sides: level < 4, lower: lower && total % 2, upper: !lower && total % 2,
  };
  return { facts, layers: [draw], answer: level === 4 ? [first, last] : [before, after], wrong, opens };
}

/** The size that a transposed convolution makes, as those get it who make one mistake. */
function grownMistaken({ size, kernel_size: kernel, stride, padding, dilation, output_padding: extra, reach, spread, cropped }) {
  return {
    "convolution-formula": Math.floor((size + 2 * padding - reach) / stride) + 1,
    "times-stride": size * stride,
    "no-output-padding": cropped,
    "padding-once": spread - padding + extra,
    "no-padding": spread + extra,
    "padding-added": spread + 2 * padding + extra,
    "as-many-strides": cropped + stride + extra,
    "kernel-for-reach": cropped + kernel - reach + extra,
    "dilated-kernel": cropped + dilation * kernel - reach + extra,
    "output-padding-twice": cropped + 2 * extra,
    "no-stride": size - 1 + reach - 2 * padding + extra,
    "copies-are-points": cropped + 1 - reach + extra,
  };
}

function transposedSize({ layers: [draw] }, level) {
  const { kernel_size, stride, dilation, padding, size: image } = draw;
  const reach = dilation * (kernel_size - 1) + 1;
  const window = { kernel_size, stride, dilation, padding };
  if (level === 4 && image + 2 * padding < reach) return null;
  const size = level === 4 ? axis(image, window).count : image;
  let extra = draw.output_padding;
  const spread = (size - 1) * stride + reach;
  const cropped = spread - 2 * padding;
  const twisted = extra > 0 || dilation > 1;
  if (size < 3 || cropped < 1 || extra >= stride || padding >= reach || (level === 3 && !twisted)) return null;
  const own = {
    ...draw, size, reach, spread, cropped, start: spread - reach, image, dilated: dilation > 1, added: extra,
    more: image - cropped, back: level === 4, up: level < 4,
  };
  const made = grownAxis(size, { ...window, output_padding: extra }).size;
  let answer = [made];
  let wrong = mapped(grownMistaken(own), (each) => [each]);
  if (level === 4) {
    if (made === image) return null;
    extra = image - made;
    answer = [made, extra];
    wrong = { ...mapped(wrong, ([each]) => [each, image - each]), inverts: [image, 0], "stride-less-one": [made, stride - 1] };
  }
  const opens = { explorer: "convolution", kind: "transposed", input_size: size, ...window, output_padding: extra };
  return { facts: { made }, layers: [own], answer, wrong, opens };
}

// Kinds of several layers

/** The layers with names, conv1 or pool1; a pooling has its own window, and its stride is that. */
function stackOf({ layers }) {
  const counted = {};
  return layers.map((each) => {
    const { kind, pool } = each;
    counted[kind] = (counted[kind] ?? 0) + 1;
    const own = { padding: 0, ...each, name: `${kind}${counted[kind]}` };
    if (kind === "pool") Object.assign(own, { kernel_size: pool, stride: pool, dilation: 1, padding: 0 });
    return { ...own, reach: own.dilation * (own.kernel_size - 1) + 1, dilated: own.dilation > 1 };
  });
}

/** Receptive field and jump as those get them who make one mistake. */
function fieldMistaken(layers, [field, jump]) {
  const sum = (count, start = 1) => layers.reduce((total, layer) => total + count(layer), start);
  const last = layers.at(-1);
  return {
    "jump-forgotten": [sum(({ reach }) => reach - 1), jump],
    "jump-too-early": [sum((layer) => (layer.reach - 1) * layer.jump), jump],
    "kernel-for-reach": [sum(({ kernel_size, step }) => (kernel_size - 1) * step), jump],
    "dilated-kernel": [sum(({ dilation, kernel_size, step }) => (dilation * kernel_size - 1) * step), jump],
    "whole-kernels": [sum(({ reach, step }) => reach * step), jump],
    "kernels-added": [sum(({ reach }) => reach, 0), jump],
    "kernels-multiplied": [layers.reduce((product, { reach }) => product * reach, 1), jump],
    "last-layer": [last.reach, last.stride],
    "last-stride": [field, last.stride],
    "strides-added": [field, sum(({ stride }) => stride, 0)],
    "starts-at-zero": [field - 1, jump],
  };
}

function receptiveField(draw, level) {
  const layers = stackOf(draw);
  const needed = layers.reduceRight((size, { reach, stride }) => (size - 1) * stride + reach, 1);
  const levels = levelsOf({ size: needed, channels: 1, dimensions: 1 }, layers.map((layer) => ({ ...layer, kind: null })));
  layers.forEach((layer, place) => {
    const [below, own] = [levels[place], levels[place + 1]];
    Object.assign(layer, { below: below.field, step: below.jump, field: own.field, jump: own.jump });
  });
  const { field, jump } = layers.at(-1);
  const spread = firstIndex(layers.map(({ dilated }) => dilated));
  const strided = firstIndex(layers.map(({ stride }) => stride > 1));
  if (field > 400 || (level === 1) !== (strided === null) || (level === 3 && spread === null)) return null;
  const last = layers.length - 1;
  if (strided === last || layers[0].kind === "pool") return null;
  const bends = {
    "kernel-for-reach": spread ?? 0, "dilated-kernel": spread ?? 0, "jump-too-early": strided ?? 0,
    "jump-forgotten": (strided ?? 0) + 1, "last-layer": last, "last-stride": last,
    "strides-added": 1, "kernels-multiplied": 1, "kernels-added": 1,
  };
  const shownLayers = layers.map((layer) => forExplorer(layer, 1));
  return {
    facts: {}, layers, answer: [field, jump], wrong: fieldMistaken(layers, [field, jump]), bends,
    opens: { explorer: "receptive_field", input_size: field + 3 * jump, layers: shownLayers },
  };
}

/** A layer as the receptive field explorer takes it; a pooling has no channels. */
function forExplorer({ name, kernel_size, stride, dilation, padding }, channels) {
  return {
    name, kernel_size, ...(stride !== 1 && { stride }), ...(dilation !== 1 && { dilation }), ...(padding !== 0 && { padding }),
    ...(!name.startsWith("pool") && { channels }),
  };
}

/** Parameters and MACs of a layer as those get them who make one mistake. */
function costMistaken({ inputs, outputs, kernel_size: kernel, groups, weights, made, parameters, macs, size, stride }) {
  const pixels = made ** 2;
  const bias = parameters - weights;
  const of = (weights, filters = outputs) => [weights + (bias ? filters : 0), weights * pixels];
  const bare = Math.max(0, Math.floor((size - kernel) / stride) + 1);
  return {
    "bias-forgotten": [weights, macs],
    "bias-invented": [weights + outputs, macs],
    "bias-in-macs": [parameters, parameters * pixels],
    "input-size-in-macs": [parameters, weights * size ** 2],
    "one-side-of-the-map": [parameters, weights * made],
    "no-groups": of(weights * groups),
    "groups-twice": of(Math.floor(weights / groups)),
    "kernel-one-side": of(Math.floor(weights / kernel)),
    "no-input-channels": of(outputs * kernel * kernel),
    "no-filters": of(Math.floor(inputs / groups) * kernel * kernel, 1),
    "one-bias": [weights + (bias ? 1 : 0), macs],
    "no-padding": [parameters, weights * bare ** 2],
    "no-map": [parameters, weights],
    "additions-counted": [parameters, 2 * macs],
  };
}

function costOf(draw, level) {
  const layers = [];
  let { size, inputs } = draw;
  for (const each of draw.layers) {
    const { kernel_size, stride, padding, groups, outputs, bias } = each;
    const room = size + 2 * padding - kernel_size;
    if (room < 0 || inputs % groups || outputs % groups || 2 * padding > kernel_size) return null;
    const made = axis(size, { kernel_size, stride, padding }).count;
    const weights = outputs * (inputs / groups) * kernel_size ** 2;
    layers.push({
      ...each, name: `conv${layers.length + 1}`, size, inputs, made, dilation: 1, rest: room % stride, grouped: groups > 1,
      plain: !bias, weights, parameters: weights + outputs * bias, macs: weights * made ** 2,
    });
    [size, inputs] = [made, outputs];
  }
  const [{ made, ...first }] = layers;
  if ((level === 1) !== (made === first.size) && level < 3) return null;
  const mistaken = layers.map(costMistaken);
  const right = layers.map(({ parameters, macs }) => [parameters, macs]);
  const sum = (pairs) => [0, 1].map((place) => pairs.reduce((total, each) => total + each[place], 0));
  const wrong = mapped(mistaken[0], (_, slug) => sum(mistaken.map((own) => own[slug])));
  const bends = mapped(wrong, (_, slug) => firstIndex(mistaken.map((own, place) => `${own[slug]}` !== `${right[place]}`)) ?? 0);
  if (layers.length === 2) wrong["last-layer"] = right[1];
  const answer = sum(right);
  const shownLayers = layers.map((layer) => ({ ...forExplorer(layer, layer.outputs), ...(!layer.bias && { bias: false }) }));
  const opens = { explorer: "receptive_field", input_size: first.size, in_channels: first.inputs, layers: shownLayers };
  return {
    facts: { size: first.size, single: layers.length === 1, double: layers.length > 1, parameters: answer[0], macs: answer[1] },
    layers, answer, wrong, opens: layers.some(({ grouped }) => grouped) ? {} : opens, bends,
  };
}

/** The index of the first layer that leaves nothing, or how many there are. */
function failing(size, layers, after) {
  const place = layers.findIndex((layer) => (size = after(size, layer)) < 1);
  return place < 0 ? layers.length : place;
}

/** The size that a layer makes, 0 if its window does not fit. */
const after = (size, { reach, ...window }) => (size + 2 * window.padding < reach ? 0 : axis(size, window).count);

const stops = (room, { stride }) => (room < 0 ? 0 : Math.floor(room / stride) + 1);
const FAILING_MISTAKEN = {
  "kernel-for-reach": (size, layer) => stops(size + 2 * layer.padding - layer.kernel_size, layer),
  "no-padding": (size, layer) => stops(size - layer.reach, layer),
  "padding-once": (size, layer) => stops(size + layer.padding - layer.reach, layer),
  "no-stride": (size, layer) => size + 2 * layer.padding - layer.reach + 1,
  "no-first-stop": (size, layer) => stops(size + 2 * layer.padding - layer.reach, layer) - 1,
  "size-over-stride": (size, layer) => Math.floor(size / layer.stride),
};

function whichLayerFails(draw, level) {
  const layers = stackOf(draw);
  let { size } = draw;
  const place = failing(size, layers, after);
  if (place < 1 || (place === layers.length) !== (draw.fits === 0)) return null;
  if (layers.some(({ padding, reach }) => 2 * padding > reach) || layers[0].kind === "pool") return null;
  if (level === 3 && !layers.slice(0, place + 1).some(({ dilated }) => dilated)) return null;
  layers.forEach((layer, index) => {
    const { padding, reach, stride, dilated } = layer;
    const made = index <= place ? after(size, layer) : 0;
    const padded = size + 2 * padding;
    Object.assign(layer, {
      size, padded, made, fits: index < place, fails: index === place, spread: dilated && index <= place,
      lined: padding > 0 && index <= place, rest: index < place ? (padded - reach) % stride : 0,
    });
    size = made;
  });
  const wrong = mapped(FAILING_MISTAKEN, (rule) => [failing(draw.size, layers, rule)]);
  const bends = mapped(wrong, ([index]) => Math.min(index, place, layers.length - 1));
  return {
    facts: { size: draw.size }, layers, answer: [place], wrong, choices: [...layers.map(({ name }) => name), "none"], bends,
    opens: { explorer: "solver", question: "stack", stack: layers.map(inShort).join(" "), input_size: draw.size },
  };
}

/** A layer as the solver explorer reads it. */
function inShort({ kind, kernel_size, stride, padding, dilation }) {
  if (kind === "pool") return `pool${kernel_size}`;
  const told = [["s", stride, 1], ["p", padding, 0], ["d", dilation, 1]].filter(([, value, plain]) => value !== plain);
  return `conv${kernel_size}${told.map(([letter, value]) => letter + value).join("")}`;
}

const nextMultiple = (size, factor) => up(size, factor) * factor;

/** The side that a U-Net takes, as those get it who make one mistake. */
function sidesMistaken({ size, multiple, whole }, factors) {
  let power = 1;
  while (power < size) power *= 2;
  return {
    "rounded-down": whole * multiple,
    "one-level-less": nextMultiple(size, multiple / factors.at(-1)),
    "one-level-more": nextMultiple(size, multiple * 2),
    "factors-added": nextMultiple(size, factors.reduce((sum, factor) => sum + factor)),
    "first-level-only": nextMultiple(size, factors[0]),
    "as-it-is": size,
    "power-of-two": power,
    "one-multiple-more": (whole + 2) * multiple,
  };
}

/** Whether the maps that a U-Net joins are of one size. */
function survives(size, factors) {
  const sizes = [size];
  for (const factor of factors) {
    if (sizes.at(-1) < factor) return false;
    sizes.push(axis(sizes.at(-1), { kernel_size: factor, stride: factor, padding: 0 }).count);
  }
  let grown = sizes.at(-1);
  return factors.toReversed().every((factor, place) => {
    grown = grownAxis(grown, { kernel_size: factor, stride: factor, padding: 0 }).size;
    return grown === sizes.at(-2 - place);
  });
}

function uNet({ depth, three, count, layers }) {
  if (three > depth) return null;
  const factors = range(depth).map((place) => (place + 1 === three ? 3 : 2));
  const multiple = factors.reduce((product, factor) => product * factor);
  if (layers.some(({ size }) => size < multiple)) return null;
  const axes = layers.map(({ size }, place) => {
    const side = range(multiple + 1).map((more) => size + more).find((each) => survives(each, factors));
    return {
      size, label: count === 2 ? ["rows", "columns"][place] : "", multiple, whole: Math.floor(size / multiple), side,
      rest: size % multiple, taken: size % multiple === 0, added: side - size, double: count === 2, first: place === 0,
    };
  });
  const sizes = axes.map(({ size }) => size);
  if (!axes[0].rest || (sizes[0] === sizes[1] && count === 2)) return null;
  let wrong = joined(axes.map((own) => sidesMistaken(own, factors)));
  let answer = axes.map(({ side }) => side);
  const bends = firstBends(wrong, answer);
  if (count === 2) {
    wrong = { ...mapped(wrong, (each) => each.map((side, place) => side - sizes[place])), "size-for-padding": answer };
    answer = axes.map(({ added }) => added);
    wrong["each-side"] = answer.map((added) => up(added, 2));
  }
  const names = [...factors.map((factor) => `pool${factor}`), ...factors.toReversed().map((factor) => `up${factor}s${factor}`)];
  return {
    facts: { factors: factors.join(", "), product: factors.join(" · "), depth, across: sizes.at(-1), single: count === 1 },
    layers: axes, answer, wrong, bends,
    opens: {
      explorer: "solver", question: "stack", stack: names.join(" "), sizes: [sizes[0], sizes[0] + multiple],
      input_size: axes[0].side,
    },
  };
}

const CASES = {
  "output-size": outputSize, unread: unreadPixels, "padding-for-size": paddingForSize, "same-padding": samePadding,
  "receptive-field": receptiveField, transposed: transposedSize, cost: costOf, "which-layer-fails": whichLayerFails,
  "u-net": uNet,
};

// From a case to an exercise

/** The words of a name; a number in groups of three from five digits on. */
function shown(value) {
  if (typeof value === "string") return TABLE.words[value] ?? value;
  return Math.abs(value) < 10_000 ? `${value}`.replace("-", "−") : grouped(value);
}

/** A template with its holes fill: `{size}` is a fact, `<rest:...>` is left out where `rest` is zero or empty. */
function fill(template, facts) {
  const kept = template.replace(/<(\w+):([^>]*)>/g, (_, name, text) => (facts[name] ? text : ""));
  return kept.replace(/\{(\w+)\}/g, (_, name) => shown(facts[name]));
}

/** Numbers and words for an exercise, in the order of the table; `layer` is drawn as often as `count` says. */
function drawn({ layer, ...level }, below) {
  const picked = (options) => {
    if (!Array.isArray(options)) return options;
    const [low, high] = options;
    if (options.length === 2 && options.every(Number.isInteger)) return low + below(high - low + 1);
    return options[below(options.length)];
  };
  const draw = mapped(level, picked);
  return { ...draw, layers: range(draw.count).map(() => mapped(layer, picked)) };
}

/** Whole numbers from 0 to below what the result is called with. */
function streamBelow(seed, purpose) {
  const random = randomStream(seed, purpose);
  return (limit) => Math.floor(random() * limit);
}

/** The lines of the sum, and by the key of a line in the table, with the number of its layer before it, where it is. */
function linesOf({ each, end }, layers, facts) {
  const told = layers.flatMap((layer, index) => Object.entries(each).map(([key, line]) => [`${index} ${key}`, line, layer]));
  told.push(...Object.entries(end).map(([key, line]) => [`${layers.length} ${key}`, line, facts]));
  const [lines, places] = [[], {}];
  for (const [place, template, own] of told) {
    places[place] = lines.length;
    lines.push(...[fill(template, own)].filter(Boolean));
  }
  return [lines, places];
}

/** The exercise of a case: its lines fill, and its mistakes with the line where each bends. */
function worded(kind, seed, level, { answer, opens, choices = [], bends = {}, rounds = null, ...made }) {
  const words = TABLE.kinds[kind];
  const facts = { ...made.layers[0], ...made.facts };
  const layers = made.layers.map((layer) => ({ ...facts, ...layer }));
  const listed = "layer" in words ? layers.map((layer) => fill(words.layer, layer)) : [];
  const question = [...words.intro.map((line) => fill(line, facts)), ...listed, fill(words.ask, facts)];
  const [steps, places] = linesOf(words, layers, facts);
  const wrong = { ...made.wrong, ...(answer.length === 2 && { swapped: answer.toReversed() }) };
  const stepOf = (slug, bent = 0) => {
    const key = words.mistakes[slug];
    return Math.min(places[`${key in words.end ? layers.length : bends[slug] ?? bent} ${key}`], steps.length - 1);
  };
  const isWrong = (slug) => slug in wrong && `${wrong[slug]}` !== `${answer}` && Math.min(...wrong[slug]) >= 0;
  const mistakes = Object.keys(words.mistakes).filter(isWrong)
    .map((slug) => ({ answer: wrong[slug], misconception: slug, step: stepOf(slug) }));
  const named = [answer, ...mistakes.map((each) => each.answer)].flat();
  for (const place of range(choices.length).filter((each) => !named.includes(each))) {
    const slug = place < answer[0] ? "too-early" : "too-late";
    mistakes.push({ answer: [place], misconception: slug, step: stepOf(slug, Math.min(place, answer[0], layers.length - 1)) });
  }
  return {
    kind, seed, level, question: question.filter(Boolean).join("\n"),
    form: choices.length ? "choice" : ["number", "pair"][answer.length - 1],
    choices: choices.map(shown), answer, steps, mistakes,
    opens: opens.explorer ? `#${writeAddress(opens)}` : "", rounds: rounds === null ? null : places[`${rounds} ${words.rounds}`],
  };
}

/** The exercise that a seed gives, at a level from 1 to 4. */
export function exercise(kind, seed, level) {
  const below = streamBelow(seed, LEVELS * Object.keys(DRILLS).indexOf(kind) + level);
  for (let tries = 0; tries < TRIES; tries++) {
    const made = CASES[kind](drawn(TABLE.kinds[kind].levels[level - 1], below), level);
    if (made) return worded(kind, seed, level, made);
  }
  throw new Error(`There is no exercise of ${kind} at level ${level} from seed ${seed}.`);
}

/** Exercises that differ from one another, the kinds in turn; without a level, it rises over the sheet. */
export function sheet(kinds, seed, count = 12, level = null) {
  const names = kinds ?? Object.keys(DRILLS);
  const below = streamBelow(seed, 0);
  const made = [];
  const asked = new Set();
  while (made.length < count) {
    const rising = 1 + Math.floor((LEVELS * made.length) / count);
    const each = exercise(names[made.length % names.length], below(2 ** 32), level ?? rising);
    if (asked.has(each.question)) continue;
    asked.add(each.question);
    made.push(each);
  }
  return made;
}

// What a typed answer says

const [MOST_TYPED, MOST_DIGITS] = [200, 15]; // characters; so that numbers are exact
const BLANK = "[ \\t\\r\\n\\u00a0\\u2009\\u202f\\u3000]";
const ENDS = new RegExp(`^${BLANK}+|${BLANK}+$`, "g");
const BRACKETS = new RegExp(`^[(\\[]${BLANK}*|${BLANK}*[)\\]]$`, "g");
const BETWEEN = new RegExp(`${BLANK}*[,;]?${BLANK}+|;`);
const TYPED = /^([+-]?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]*)|\/([0-9]+))?$/;

/** A number as a fraction; one of more than 15 digits as one that no answer reaches. */
function fractionOf([, sign, digits, decimals = "", below = "1"]) {
  const kept = decimals.replace(/0+$/, "");
  const above = (digits.replaceAll(",", "") + kept).replace(/^0+/, "") || "0";
  const under = (below + "0".repeat(kept.length)).replace(/^0+/, "") || "0";
  if (Math.max(above.length, under.length) > MOST_DIGITS) return [10 ** MOST_DIGITS, 1];
  return [Number(above) * (sign === "-" ? -1 : 1) || 0, Number(under)];
}

/** The numbers of a text, if it holds as many. */
function numbersOf(text, count) {
  let parts = [text];
  if (count === 2) {
    const bare = text.replace(BRACKETS, "");
    parts = bare.split(BETWEEN);
    if (parts.length !== 2) parts = bare.split(",");
  }
  const found = parts.map((part) => TYPED.exec(part));
  const values = found.length === count && found.every(Boolean) ? found.map(fractionOf) : null;
  return values?.every(([, below]) => below) ? values : null;
}

/** The index of a choice, given by its words or its number from 1. */
function chosenOf(choices, text) {
  const names = [...choices.map((each) => each.toLowerCase()), ...choices.map((_, place) => `${place + 1}`)];
  const place = names.indexOf(text.toLowerCase());
  return place < 0 ? null : [[place % choices.length, 1]];
}

/** The mistakes that give these numbers, the likelier first, at most two; else one that gives a wrong half of them. */
function known({ mistakes }, given, wrong) {
  const exact = mistakes.filter(({ answer }) => `${answer}` === `${given}`);
  if (exact.length) return exact.slice(0, 2);
  const gives = ({ answer }) => (place) => answer[place] === given[place];
  const halves = mistakes.filter((each) => wrong.every(gives(each)));
  return (halves.length ? halves : mistakes.filter((each) => wrong.some(gives(each)))).slice(0, 1);
}

/** What is to be said of whole numbers that are not the answer. */
function explained(drill, given) {
  const { answer, form } = drill;
  const wrong = range(given.length).filter((place) => given[place] !== answer[place]);
  const found = known(drill, given, wrong);
  const isBeside = (place) => Math.abs(given[place] - answer[place]) === 1;
  let [slug, step] = found.length ? [found[0].misconception, found[0].step] : ["", null];
  if (!found.length && Math.min(...given) < 0) slug = "negative";
  else if (!found.length && form !== "choice" && wrong.every(isBeside)) slug = "off-by-one";
  const causes = found.map(({ misconception }) => TABLE.misconceptions[misconception]).join(` ${TABLE.diagnoses.or} `);
  const said = [causes || (TABLE.misconceptions[slug] ?? TABLE.diagnoses.wrong)];
  if (given.length === 2 && wrong.length === 1) said.unshift(TABLE.diagnoses[wrong[0] ? "first" : "second"]);
  return { outcome: "wrong", misconception: slug, says: said.join(" "), step };
}

/** Judges what a reader typed, and names what leads to exactly this answer. */
export function diagnose(drill, typed) {
  const { form, choices, answer, rounds } = drill;
  const narrow = (sign) => String.fromCharCode(sign.charCodeAt(0) - 0xfee0);
  const short = [...typed].length <= MOST_TYPED ? typed : "?";
  const text = short.replace(/[\uff01-\uff5e]/g, narrow).replaceAll("\u2212", "-").replace(ENDS, "");
  const given = form === "choice" ? chosenOf(choices, text) : numbersOf(text, answer.length);
  const hint = TABLE.diagnoses[form].replace("{choices}", choices.join(", "));
  const unreadable = { outcome: "unreadable", misconception: "", says: hint, step: null };
  if (!given) return unreadable;
  const whole = given.map(([above, below]) => Math.floor((above - (((above % below) + below) % below)) / below));
  if (given.some(([above, below]) => above % below)) {
    if (rounds === null || `${whole}` !== `${answer}`) return unreadable;
    return { outcome: "wrong", misconception: "no-floor", says: TABLE.misconceptions["no-floor"], step: rounds };
  }
  if (`${whole}` === `${answer}`) return { outcome: "right", misconception: "", says: TABLE.diagnoses.right, step: null };
  return explained(drill, whole);
}
