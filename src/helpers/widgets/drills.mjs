// Exercises without end: from a seed to a question, its answer, the lines of the sum, and what a wrong answer thinks.
//
// The words stand in drills.json, which helpers.drills reads, too. tests/golden/drills.json holds every field of thousands
// of exercises, and what is said of their answers, to Python's.

import { axis, pair, randomStream, range } from "./common.mjs";
import { writeAddress } from "./share.mjs";
import TABLE from "../drills.json" with { type: "json" };

const LEVELS = 4;
const TRIES = 2000; // draws of an exercise, of which the rules of a level take some

/** What an exercise can be about: title and chapters by name. */
export const DRILLS = Object.fromEntries(Object.entries(TABLE.kinds).map(([name, { title, chapters }]) => [name, { name, title, chapters }]));

// What the rules of a kind make of drawn numbers: `facts` for the templates, and `layers`, those of each layer or axis; the
// `answer`; `wrong` answers by misconception; `bends`, the layer at whose line each bends; and the explorer that `opens`.

/** A list for each misconception, of its numbers along each axis. */
const joined = (axes) => mapped(axes[0], (_, slug) => axes.map((own) => own[slug]));
const mapped = (object, change) => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value, name)]));
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
    own.left = own.ceils && own.rest && own.strides === own.whole;
  }
  const answer = axes.map(({ count }) => count);
  const wrong = joined(axes.map(sizesMistaken));
  return {
    facts: { ...axes[0], across: axes.at(-1).size, floors: !ceils }, layers: axes, answer, wrong,
    opens: shownByConvolution(axes), bends: firstBends(wrong, answer), rounds,
  };
}

const CASES = {
  "output-size": outputSize,
};

// From a case to an exercise

const { format } = new Intl.NumberFormat("en-US");

/** The words of a name; a number in groups of three from five digits on. */
function shown(value) {
  if (typeof value === "string") return TABLE.words[value] ?? value;
  const digits = Math.abs(value) < 10_000 ? `${Math.abs(value)}` : format(Math.abs(value));
  return value < 0 ? `−${digits}` : digits;
}

/** A template with its holes filled: `{size}` is a fact, `<rest:...>` is left out where `rest` is zero or empty. */
const filled = (template, facts) =>
  template.replace(/<(\w+):([^>]*)>/g, (_, name, text) => (facts[name] ? text : "")).replace(/\{(\w+)\}/g, (_, name) => shown(facts[name]));

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
    lines.push(...[filled(template, own)].filter(Boolean));
  }
  return [lines, places];
}

/** The exercise of a case: its lines filled, and its mistakes with the line where each bends. */
function told(kind, seed, level, { facts, answer, opens, choices = [], bends = {}, rounds = null, ...made }) {
  const words = TABLE.kinds[kind];
  const layers = made.layers.map((layer) => ({ ...facts, ...layer }));
  const listed = "layer" in words ? layers.map((layer) => filled(words.layer, layer)) : [];
  const question = [...words.intro.map((line) => filled(line, facts)), ...listed, filled(words.ask, facts)];
  const [steps, places] = linesOf(words, layers, facts);
  const wrong = { ...made.wrong, ...(answer.length === 2 && { swapped: answer.toReversed() }) };
  const stepOf = (slug) => {
    const key = words.mistakes[slug];
    return Math.min(places[`${key in words.end ? layers.length : bends[slug] ?? 0} ${key}`], steps.length - 1);
  };
  const isWrong = (slug) => slug in wrong && `${wrong[slug]}` !== `${answer}` && Math.min(...wrong[slug]) >= 0;
  return {
    kind, seed, level, question: question.filter(Boolean).join("\n"),
    form: choices.length ? "choice" : ["number", "pair"][answer.length - 1],
    choices: choices.map((each) => filled(each, facts)), answer, steps,
    mistakes: Object.keys(words.mistakes).filter(isWrong).map((slug) => ({ answer: wrong[slug], misconception: slug, step: stepOf(slug) })),
    opens: opens.explorer ? `#${writeAddress(opens)}` : "", rounds: rounds === null ? null : places[`${rounds} ${words.rounds}`],
  };
}

/** The exercise that a seed gives, at a level from 1 to 4. */
export function exercise(kind, seed, level) {
  const below = streamBelow(seed, LEVELS * Object.keys(DRILLS).indexOf(kind) + level);
  for (let tries = 0; tries < TRIES; tries++) {
    const made = CASES[kind](drawn(TABLE.kinds[kind].levels[level - 1], below), level);
    if (made) return told(kind, seed, level, made);
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
const NUMBER = /^([+-]?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]*)|\/([0-9]+))?$/;

/** A number as a fraction; one of more than 15 digits as one that no answer reaches. */
function fractionOf([, sign, digits, decimals = "", below = "1"]) {
  const kept = decimals.replace(/0+$/, "");
  const above = (digits.replaceAll(",", "") + kept).replace(/^0+/, "") || "0";
  const under = (below + "0".repeat(kept.length)).replace(/^0+/, "");
  if (Math.max(above.length, under.length) > MOST_DIGITS || !under) return [10 ** MOST_DIGITS, 1];
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
  const found = parts.map((part) => NUMBER.exec(part));
  return found.length === count && found.every(Boolean) ? found.map(fractionOf) : null;
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
  let [slug, step] = found.length ? [found[0].misconception, found[0].step] : ["", null];
  if (!found.length && Math.min(...given) < 0) slug = "negative";
  else if (!found.length && form !== "choice" && wrong.every((place) => Math.abs(given[place] - answer[place]) === 1)) slug = "off-by-one";
  const said = found.map(({ misconception }) => TABLE.misconceptions[misconception]);
  if (!found.length) said.push(TABLE.misconceptions[slug] ?? TABLE.diagnoses.wrong);
  if (given.length === 2 && wrong.length === 1) said.unshift(TABLE.diagnoses[wrong[0] ? "first" : "second"]);
  return { outcome: "wrong", misconception: slug, says: said.join(" "), step };
}

/** Judges what a reader typed, and names what leads to exactly this answer. */
export function diagnose(drill, typed) {
  const { form, choices, answer, rounds } = drill;
  const narrow = (sign) => String.fromCharCode(sign.charCodeAt(0) - 0xfee0);
  const text = ([...typed].length <= MOST_TYPED ? typed : "?").replace(/[\uff01-\uff5e]/g, narrow).replaceAll("\u2212", "-").replace(ENDS, "");
  const given = form === "choice" ? chosenOf(choices, text) : numbersOf(text, answer.length);
  const unreadable = { outcome: "unreadable", misconception: "", says: TABLE.diagnoses[form].replace("{choices}", choices.join(", ")), step: null };
  if (!given) return unreadable;
  const whole = given.map(([above, below]) => Math.floor((above - (((above % below) + below) % below)) / below));
  if (given.some(([above, below]) => above % below)) {
    if (rounds === null || `${whole}` !== `${answer}`) return unreadable;
    return { outcome: "wrong", misconception: "no-floor", says: TABLE.misconceptions["no-floor"], step: rounds };
  }
  if (`${whole}` === `${answer}`) return { outcome: "right", misconception: "", says: TABLE.diagnoses.right, step: null };
  return explained(drill, whole);
}
