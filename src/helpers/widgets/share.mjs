// What a reader takes away from an explorer: its setting as an address and as a line of Python, its layer as code.
//
// The lines of code are those of snippets.json, which helpers.arithmetic.snippet fills, too; tests/browser/test_share.py
// holds the two to the same text.

import { check, isSame, menu, pickOf, problemOf, say } from "./common.mjs";
import FRAMEWORKS from "../snippets.json" with { type: "json" };

// A setting as text: in an address, such as input_size=8&stride=2,1, and as a line of Python

const MOST_OF_AN_ADDRESS = 20_000; // characters
const SEPARATORS = ["/", ",", ";"]; // of a list, of the lists in it, of those in them
const NUMBER = /^-?(\d+\.?\d*|\.\d+)(e-?\d+)?$/i;
const SPELLED = { true: true, false: false, none: null };
const isPlain = (text) => !NUMBER.test(text) && !Object.hasOwn(SPELLED, text) && !text.startsWith("~");

/** Text with as few escapes as an address, and what people paste it into, can do with. */
const escaped = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)
  .replaceAll("%20", "+");

function written(value, depth) {
  const own = SEPARATORS[depth] ?? ";"; // no setting is as deep
  if (typeof value === "string") return (isPlain(value) ? "" : "~") + escaped(value);
  if (typeof value !== "object") return `${value}`.replace("e+", "e");
  if (value === null) return "none";
  const parts = Array.isArray(value)
    ? value.map((each) => written(each, depth + 1))
    : Object.entries(value).map(([name, each]) => `${escaped(name)}:${written(each, depth + 1)}`);
  return parts.join(own) + (Array.isArray(value) && parts.length === 1 ? own : "");
}

/** A value as the text of an address; lists in it lie at most three deep. */
function toText(value) {
  const isDeep = Array.isArray(value) && typeof value[0] === "object" && value[0] !== null;
  return written(value, isDeep ? 0 : 1);
}

const unescaped = (text) => decodeURIComponent(text.replaceAll("+", " "));

function scalar(text) {
  const plain = unescaped(text);
  if (plain.startsWith("~")) return plain.slice(1);
  if (NUMBER.test(plain)) return Number(plain);
  return Object.hasOwn(SPELLED, plain) ? SPELLED[plain] : plain;
}

function readValue(text, depth = 0) {
  const own = SEPARATORS[depth];
  const isList = text.includes(own);
  const parts = isList ? text.split(own) : [text];
  if (isList && !parts.at(-1)) parts.pop();
  if (depth === 1 && text.includes(":")) {
    const entries = parts.map((part) => part.split(/:(.*)/s));
    return Object.fromEntries(entries.map(([name, value = ""]) => [unescaped(name), readValue(value, 2)]));
  }
  if (isList) return parts.map((part) => (depth === 0 ? inRow(part) : readValue(part, depth + 1)));
  return depth < 2 ? readValue(text, depth + 1) : scalar(text);
}

/** Between slashes everything is a list, or an object. */
function inRow(text) {
  const value = readValue(text, 1);
  return typeof value === "object" && value !== null ? value : [value];
}

/** The values of an address by name. Throws a sentence for the reader if they cannot be read. */
export function readAddress(address) {
  if (address.length > MOST_OF_AN_ADDRESS) throw new Error(`an address must have at most ${MOST_OF_AN_ADDRESS} characters.`);
  const values = new Map();
  for (const part of address.split("&").filter(Boolean)) {
    const [name, text = ""] = part.split(/=(.*)/s);
    try {
      if (values.has(unescaped(name))) throw new Error(`${unescaped(name)} stands twice in it.`);
      values.set(unescaped(name), readValue(text));
    } catch (error) {
      throw error.constructor === Error ? error : new Error(`its part ${part.slice(0, 40)} cannot be read.`);
    }
  }
  return values;
}

/** Values by name as an address. */
export const writeAddress = (values) =>
  Object.entries(values).map(([name, value]) => `${escaped(name)}=${toText(value)}`).join("&");

const PYTHON = { true: "True", false: "False", null: "None" };

/** A value in Python; two numbers are a tuple. */
function inPython(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return PYTHON[value] ?? `${value}`;
  const isPair = Array.isArray(value) && value.length === 2 && value.every(Number.isFinite);
  const parts = Array.isArray(value)
    ? value.map(inPython)
    : Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${inPython(each)}`);
  const [open, close] = Array.isArray(value) ? (isPair ? "()" : "[]") : "{}";
  return open + parts.join(", ") + close;
}

// A layer as code

/** The word for the padding, if the framework says it so. */
function wordFor({ words }, name, { kind, padding, convention, ceil_mode, output_shape }) {
  const word = padding === "same" && convention === "onnx-lower" ? "same_lower" : padding;
  const isOther = ceil_mode || (output_shape ?? null) !== null || (kind === "transposed" && name !== "keras");
  return words.includes(word) && !isOther ? word : "";
}

/** The end of the padding of an axis, as far as a window of a pooling hangs over if the framework does not say so. */
function endOf({ size, stride, reach, before, after, count }, name, { ceil_mode: mode }) {
  const hangs = mode && (name !== "pytorch" || mode === "bare");
  return hangs ? Math.max(after, (count - 1) * stride + reach - before - size) : after;
}

/** Whether PyTorch's layer takes all of the padding, or a part of the crop. */
const isInside = ({ before, after, taps }, { kind }) =>
  kind === "transposed" || (before === after && (kind === "convolution" || before <= taps >> 1));

/** What the holes and options of the lines ask for along one axis. */
function factsOf(axis, name, word, { kind, ceil_mode: mode }) {
  const { taps, stride, dilation, reach, before, after, extra = 0, made = 0 } = axis;
  const inner = name === "pytorch" ? Math.min(before, after) : 0;
  const wider = name === "keras" ? Math.max(0, stride - reach) : 0; // its "valid" gives each input a stride of pixels, or more
  const isCropped = kind === "transposed" && !word;
  const [front, tail] = isCropped ? [before - inner, after - inner - extra + wider] : [0, 0];
  const unasked = kind === "pooling" && ["pytorch", "keras"].includes(name) ? taps : 1;
  return {
    kernel_size: taps, stride, strided: stride !== unasked, dilation, dilated: dilation > 1, rounded: mode === true,
    before, after, inner, spoken: !!word, numbered: !word, word: word || "valid", WORD: (word || "valid").toUpperCase(),
    grown: name === "onnx" ? extra : Math.max(0, -tail), cut: front > 0 || tail > 0, front, tail: Math.max(0, tail),
    part: `${front || ""}:${tail > 0 ? -tail : ""}`, lead: reach - 1 - before, trail: reach - 1 - after + extra, made,
  };
}

/** Throws a sentence for the reader if the framework lacks such a layer. */
function refuseIfLacking(name, kind, axes) {
  const { name: framework, lines } = FRAMEWORKS[name];
  if (!(kind in lines)) throw new Error(`There are no lines for this kind of layer, ${kind}.`);
  const lacks = {
    keras: kind !== "convolution" || axes.some(({ stride }) => stride > 1), tensorflow: kind !== "convolution",
    flax: kind === "pooling",
  };
  if (lacks[name] && axes.some(({ dilation }) => dilation > 1)) {
    const strided = kind === "convolution" ? " with a stride" : "";
    throw new Error(`${framework} has no dilated ${kind === "transposed" ? "transposed convolution" : kind}${strided}.`);
  }
  if (kind === "pooling" && axes.some(({ before, after, reach }) => Math.max(before, after) >= reach)) {
    throw new Error("A window would lie on padding alone, and frameworks disagree on the maximum of nothing.");
  }
}

/** Lines with their holes filled; those of which nothing is left are dropped. */
function filled(lines, facts) {
  const number = (_, name, side) => {
    const [rows, columns] = facts[name];
    return side ? facts[name][side] : rows === columns ? rows : `(${rows}, ${columns})`;
  };
  const kept = (line) => line.replace(/<(\w+):([^>]*)>/g, (_, name, text) => (facts[name].some(Boolean) ? text : ""));
  return lines
    .filter((line) => !line || kept(line))
    .map((line) => kept(line).replace(/\{(\w+)(?:\.(\d))?\}/g, number));
}

/**
 * The code of a layer in a framework, and the order of axes. Throws a sentence for the reader if there is none.
 *
 * `axes` are those of the rows and of the columns: size, taps, stride, dilation, reach, before, after, count; those of a
 * transposed convolution crop (before, after), have `extra` at the end, and make `made` pixels.
 */
export function snippet(name, { axes, inputs, outputs, ...layer }) {
  const framework = FRAMEWORKS[name];
  const { kind } = layer;
  const word = wordFor(framework, name, layer);
  const ended = axes.map((axis) => ({ ...axis, after: endOf(axis, name, layer) }));
  refuseIfLacking(name, kind, ended);
  const both = ended.map((axis) => factsOf(axis, name, word, layer));
  if (name !== "pytorch" || !ended.every((axis) => isInside(axis, layer))) for (const facts of both) facts.inner = 0;
  const isPadded = ended.some(({ before, after }) => before || after);
  const outer = isPadded && kind !== "transposed" && !word && !both.some(({ inner }) => inner);
  const facts = { outer: [outer, outer], inputs: [inputs, inputs], outputs: [outputs, outputs] };
  for (const key in both[0]) facts[key] = both.map((each) => each[key]);
  return { code: filled(framework.lines[kind], facts).join("\n"), image: framework.image, weight: framework.weight[kind] };
}

const differing = (names, setting, base) => names.filter((name) => !isSame(setting[name], base[name]));

/** What of a setting differs from the defaults, or from one of the examples, whichever is said more briefly. */
function shortest(setting, { own, rules, defaults, lean }) {
  const here = lean(setting);
  const examples = Object.entries(setting.examples ?? {});
  const isSound = ([, changes]) => !problemOf(() => check({ ...setting, ...defaults, ...changes }, rules));
  const from = (base) => pickOf(differing(own, here, lean(base)), here);
  const known = examples.filter(isSound).map(([example, changes]) => ({ example, ...from({ ...defaults, ...changes }) }));
  const length = (values) => writeAddress(values).length;
  return known.reduce((least, each) => (length(each) < length(least) ? each : least), from(defaults));
}

/** The line of Python that makes an explorer of a setting; what is the page's own, and not the reader's, goes by its name. */
function toPython(type, setting, { own, given, defaults, lean, picture }) {
  const here = lean(setting);
  const told = differing([...given, ...own], here, lean(defaults)).map((name) => {
    const isPages = given.includes(name) && typeof here[name] === "object" && !picture?.isOwn(here[name]);
    return `${name}=${isPages ? name : inPython(here[name])}`;
  });
  return `${type}(${told.join(", ")})`;
}

const attribute = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");

// Folds

/** Lines with a button that copies them; returns what shows others. Where the clipboard is barred, they are selected. */
function addCopy(parent, name) {
  const slot = document.createElement("div");
  slot.className = "copy";
  slot.innerHTML = `<pre tabindex="0" role="group"></pre><button>${name}</button> <span role="status"></span>`;
  parent.append(slot);
  const [lines, button, words] = slot.children;
  lines.ariaLabel = name.replace("Copy t", "T");
  let shown;
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(lines.textContent);
      say(words, "Copied.");
    } catch {
      lines.focus();
      getSelection().selectAllChildren(lines);
      say(words, "This page may not copy. All is selected: press Ctrl and C, or ⌘ and C.");
    }
  };
  return (text) => {
    slot.hidden = !text;
    if (text === shown) return;
    say(words, "");
    say(lines, (shown = text));
  };
}

/** The fold that a reader takes a setting away from: as an address, for another page, as a line of Python. */
const linkFold = ({ model, el, ...parts }) => [model.page ? "Link to this setting" : "This setting in Python", (body) => {
  const { page } = model;
  const words = body.appendChild(document.createElement("p"));
  const link = page && addCopy(body, "Copy the link");
  const embed = page && addCopy(body, "Copy the line that embeds it");
  const python = addCopy(body, "Copy the line of Python");
  const title = parts.name.replaceAll("-", " ");
  const type = title.replace(/(?:^| )(.)/g, (_, letter) => letter.toUpperCase());
  let address;
  body.querySelector("button").addEventListener("click", () => page?.show(address));
  return (whole) => {
    const isOwn = parts.picture?.isOwn(whole.image);
    const setting = isOwn ? { ...whole, ...parts.picture.instead } : whole;
    say(words, page && isOwn ? `Your picture stays on this page: the link leads to this setting with ${parts.picture.stand}.` : "");
    const values = shortest(setting, parts);
    const isPages = differing(parts.given, setting, parts.defaults).length > 0; // and another page does not have it
    const folded = [...el.querySelectorAll(".fold > div")].reduce((sum, { offsetHeight }) => sum + offsetHeight, 0);
    const high = Math.ceil((el.offsetHeight - folded) / 50) * 50 + 50;
    address = writeAddress({ explorer: page?.key, ...values });
    link?.(`${location.href.split("#")[0]}#${address}`);
    const source = attribute([page?.bare, writeAddress(values)].filter(Boolean).join("#"));
    embed?.(isPages ? "" : `<iframe src="${source}" title="${title}" width="100%" height="${high}"></iframe>`);
    python(toPython(type, whole, parts));
  };
}];

let chosen = "pytorch"; // in one explorer, and then in all that are opened

/** A fold with the lines for the layer that `layerOf` makes of a setting; it may throw a sentence for the reader. */
const codeFold = (layerOf) => () => ["Code for this layer", (body) => {
  const names = Object.entries(FRAMEWORKS).map(([key, { name }]) => `<option value="${key}">${name}`);
  body.innerHTML = `${menu("framework", "Framework", names.join(""))}<p role="status"></p>`;
  const [{ lastElementChild: choice }, words] = body.children;
  const copy = addCopy(body, "Copy the code");
  let now;
  choice.value = chosen;
  function show(setting) {
    now = setting;
    let made;
    const problem = problemOf(() => (made = snippet(choice.value, layerOf(setting))));
    const order = made && `The axes of x and y are ${made.image}${made.weight && `, those of the weight ${made.weight}`}.`;
    say(words, problem || order);
    copy(made?.code ?? "");
  }
  choice.onchange = () => {
    chosen = choice.value;
    show(now);
  };
  return show;
}];

/** The folds below an explorer. Without a layer it has no code. */
export const foldsOf = (layerOf) => (layerOf ? [codeFold(layerOf), linkFold] : [linkFold]);
