// The drill: exercises without end. It sets one, and says of a wrong answer where its sum bends.
//
// Run by anywidget and by the built page (base.py): it imports shared modules alone and ends with its export. What is
// asked and what is right stands in drills.mjs; tests/browser/test_drill.py holds the view.

import { check, isSame, menu, oneOf, openView, problemOf, range, rule, say, whole } from "./common.mjs";
import { DRILLS, diagnose, exercise, sheet } from "./drills.mjs";
import { foldsOf } from "./share.mjs";

const KINDS = Object.keys(DRILLS);
const SEEDS = 1_000_000;
const HARDEST = 4;
const ON_A_SHEET = 12;
const MOST_TOLD = 1000; // answers that a kernel is told

const areKinds = (value) =>
  Array.isArray(value) && value.every((kind) => KINDS.includes(kind)) && new Set(value).size === value.length;
export const RULES = {
  kinds: rule(`a list of kinds, each once, of ${KINDS.join(", ")}`, areKinds),
  kind: oneOf(["", ...KINDS]),
  seed: whole(0, SEEDS - 1),
  level: whole(1, HARDEST),
};
export const DEFAULTS = { kinds: [], kind: "", seed: 1, level: 1 };

/** The kinds that a setting draws from: one that is chosen, those of the page, or all. */
const poolOf = ({ kinds, kind }) => (kind ? [kind] : kinds.length ? kinds : KINDS);

/** The kind of the exercise: they take turns. */
const kindOf = (setting) => poolOf(setting)[setting.seed % poolOf(setting).length];

/** Throws a sentence for the reader if the page does not have the kind. */
function fit({ kinds, kind }) {
  if (kind && kinds.length && !kinds.includes(kind)) {
    throw new Error(`kind must be one of kinds, ${kinds.join(", ")}, got ${kind}.`);
  }
}

// What the page remembers: of each kind how many were tried, how many right at once, the level, and how the last went

const KEPT = "stride-and-padding.drill";
const VERSION = 1;
const LOST = "What this page had stored of your progress could not be read. It starts anew.";
const BARRED = "This page may store nothing: your progress ends with it.";

const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isProgress = (value) =>
  !problemOf(() => check(value, { level: RULES.level, run: whole(-1, 1) })) &&
  isCount(value.tried) && isCount(value.right) && value.right <= value.tried;

/** The progress that a text holds; nothing if it is none. */
function readKept(text) {
  try {
    const { version, kinds } = JSON.parse(text);
    const entries = Object.entries(kinds);
    return version === VERSION && entries.every(([kind, each]) => KINDS.includes(kind) && isProgress(each)) ? kinds : null;
  } catch {
    return null; // no JSON, or another shape
  }
}

/** Progress, in the page's storage where there is a page and it may; else as long as the view is there. */
function openProgress(page) {
  let [kinds, words] = [{}, ""];
  const reach = (act) => {
    if (!page) return;
    try {
      act(localStorage);
    } catch {
      words = BARRED; // by the browser, or it is full
    }
  };
  const load = () => reach((storage) => {
    const text = storage.getItem(KEPT);
    kinds = text === null ? {} : (readKept(text) ?? {});
    if (text === null || readKept(text)) return;
    words = LOST;
    storage.removeItem(KEPT);
  });
  const save = () => reach((storage) => storage.setItem(KEPT, JSON.stringify({ version: VERSION, kinds })));
  load();
  return {
    get: (kind) => kinds[kind],
    words: () => words,
    put(kind, of) {
      load(); // another page may have added to it
      kinds[kind] = of(kinds[kind]);
      save();
    },
    forget() {
      [kinds, words] = [{}, ""];
      reach((storage) => storage.removeItem(KEPT));
    },
  };
}

const sumOf = (progress, kinds, name) => kinds.reduce((sum, kind) => sum + (progress.get(kind)?.[name] ?? 0), 0);

/** Where a kind stands after an answer: up after two right at once in a row, down after two wrong in a row. */
function standAfter({ level, run }, outcome) {
  const next = outcome === "again" ? 0 : outcome === "right" ? Math.max(run, 0) + 1 : Math.min(run, 0) - 1;
  if (Math.abs(next) < 2) return { level, run: next };
  return { level: Math.min(Math.max(level + Math.sign(next), 1), HARDEST), run: 0 };
}

// Parts of the view

/** A new element with text, which may be the reader's. */
function made(tag, text = "", className = "") {
  const node = document.createElement(tag);
  node.textContent = text;
  node.className = className;
  return node;
}

const manyOf = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const titleOf = (kind) => DRILLS[kind].title;
const HINTS = { number: "Your answer, a whole number", pair: "Your answer, two whole numbers, such as 3, 4" };

const template = `
  <div class="settings">
  <label class="wide">exercises<select part="kind"></select></label>
  ${menu("level", "level", range(HARDEST).map((step) => `<option value="${step + 1}">${step + 1} of ${HARDEST}`).join(""))}
  </div>
  <p class="problem" role="alert" part="problem"></p>
  <form class="asked" part="form" aria-label="Exercise" novalidate>
  <p part="heading"><b part="title"></b> <span part="which"></span></p>
  <p class="question" part="question"></p>
  <div part="answer"></div>
  <div class="acts"><button part="check">Check</button><button type="button" part="step"></button>
  <button type="button" part="next">Next exercise</button></div>
  <div aria-live="polite"><p class="verdict" part="verdict"></p><ol part="steps"></ol></div>
  <p part="opens"><a part="link">Open it in the explorer</a><span part="where"> (in a new tab)</span></p>
  </form>
  <p class="kept" aria-live="polite" part="progress"></p>`;

/** Fills the place for an answer; returns what reads it and what puts the focus there. */
function askFor({ form, choices }, place, { id, part }) {
  part.question.id = `${id}-question`;
  if (form !== "choice") {
    const label = made("label", HINTS[form]);
    const input = made("input");
    Object.assign(input, { autocomplete: "off", spellcheck: false, maxLength: 200 });
    if (form === "number") input.inputMode = "numeric";
    input.setAttribute("aria-describedby", part.question.id);
    label.append(input);
    place.replaceChildren(label);
    return { text: () => input.value, focus: () => input.focus() };
  }
  const group = made("fieldset");
  group.setAttribute("aria-describedby", part.question.id);
  const inputs = choices.map((choice, index) => {
    const label = made("label");
    const input = made("input");
    Object.assign(input, { type: "radio", name: `${id}-choice`, value: index });
    label.append(input, ` ${choice}`);
    group.append(label);
    return input;
  });
  group.prepend(made("legend", "Your answer"));
  place.replaceChildren(group);
  return { text: () => choices[inputs.findIndex(({ checked }) => checked)] ?? "", focus: () => inputs[0].focus() };
}

/** What is right, in words. */
const answerOf = ({ form, choices, answer }) => (form === "choice" ? choices[answer[0]] : answer.join(", "));

/** A sheet of exercises as a list, and their answers as another. */
function paperOf(exercises, words, isAnswered) {
  const listOf = (fill) => {
    const list = made("ol");
    for (const each of exercises) list.append(fill(each, made("li")));
    return list;
  };
  const asked = listOf(({ question, form, choices }, item) => {
    item.append(made("p", question, "question"));
    item.append(form === "choice" ? made("p", choices.map((choice) => `☐ ${choice}`).join("\u2003")) : made("p", "", "blank"));
    return item;
  });
  const answers = listOf(({ steps, ...each }, item) => {
    item.append(made("b", answerOf(each)), made("p", steps.join("\n"), "question"));
    return item;
  });
  const parts = [made("p", words, "words"), asked];
  return isAnswered ? [...parts, made("p", `Answers. ${words}`, "words answers"), answers] : parts;
}

/** Prints a part of the page and nothing else of it. */
function printAlone(node) {
  const copy = made("div", "", "book-explorer book-sheet");
  copy.append(node.cloneNode(true));
  document.body.append(copy);
  addEventListener("afterprint", () => copy.remove(), { once: true });
  window.print();
}

/** The fold of a sheet for paper. */
const sheetFold = () => [`A sheet of ${ON_A_SHEET}`, (body) => {
  body.innerHTML = `<div class="settings"><label>seed<input inputmode="numeric" autocomplete="off"></label>
    <label>level<select><option value="">rising<option>${range(HARDEST).map((step) => step + 1).join("<option>")}</select></label>
    <label class="check"><input type="checkbox"> with answers</label></div>
    <p class="problem" role="alert"></p><div class="acts"><button type="button">Print this sheet</button></div>
    <div class="sheet"></div>`;
  const [{ children: labels }, problem, { firstChild: button }, place] = body.children;
  const [seed, level, answers] = [labels[0].lastChild, labels[1].lastChild, labels[2].firstChild];
  let now;
  function show() {
    const asked = /^\s*\d{1,6}\s*$/.test(seed.value) ? Number(seed.value) : NaN;
    say(problem, Number.isNaN(asked) ? `seed must be ${RULES.seed.words}, got “${seed.value.slice(0, 40)}”.` : "");
    button.disabled = Number.isNaN(asked);
    if (button.disabled) return;
    const pool = poolOf(now);
    const hard = Number(level.value) || null;
    const words = `Stride and Padding: ${ON_A_SHEET} exercises, ${hard ? `level ${hard} of ${HARDEST}` : "from easy to hard"}, seed ${asked}`;
    place.replaceChildren(...paperOf(sheet(pool, asked, ON_A_SHEET, hard), words, answers.checked));
  }
  seed.oninput = level.onchange = answers.onchange = show;
  button.onclick = () => printAlone(place);
  return (setting) => {
    const isNew = !now || !isSame(poolOf(now), poolOf(setting));
    if (!now) seed.value = setting.seed;
    now = setting;
    if (isNew) show();
  };
}];

/** The fold of what the page remembers. */
const progressFold = (progress, forget) => () => ["Your progress", (body) => {
  body.innerHTML = `<div class="numbers" tabindex="0" role="group" aria-label="Progress"><table><thead><tr><th scope="col">exercises
    <th scope="col">tried<th scope="col">right at once<th scope="col">level</thead><tbody></tbody></table></div>
    <p></p><div class="acts"><button type="button">Forget my progress</button></div><p role="status"></p>`;
  const [table, words, { firstChild: button }, status] = body.children;
  function show() {
    const tried = KINDS.filter((kind) => progress.get(kind));
    table.hidden = !tried.length;
    table.querySelector("tbody").replaceChildren(...tried.map((kind) => {
      const row = made("tr");
      const { tried, right, level } = progress.get(kind);
      const head = made("th", titleOf(kind));
      head.scope = "row";
      row.append(head, ...[tried, right, `${level} of ${HARDEST}`].map((each) => made("td", each)));
      return row;
    }));
    button.disabled = !tried.length;
    if (tried.length) say(status, "");
    const where = tried.length ? "It stays in this browser, and is sent nowhere." : "Nothing was answered yet.";
    say(words, progress.words() || where);
  }
  button.onclick = () => {
    forget();
    show();
    say(status, "Forgotten.");
  };
  return show;
}];

function render({ model, el }) {
  const progress = openProgress(model.page);
  const view = openView({
    model, el, name: "drill", template, rules: RULES, defaults: DEFAULTS, fit, showControls, update,
    folds: [sheetFold, progressFold(progress, forget)].concat(foldsOf()),
  });
  const { part, read, write, choose } = view;
  let [shown, ask] = []; // the exercise, and what reads its answer
  let now; // what became of it: its first outcome, texts that were wrong, steps that are shown, the one that is marked

  const startLevel = read().level;
  const levelOf = (kind) => progress.get(kind)?.level ?? startLevel;
  const standOf = (kind) => progress.get(kind) ?? { tried: 0, right: 0, level: startLevel, run: 0 };

  function showControls({ kinds, kind, level }) {
    const pool = kinds.length ? kinds : KINDS;
    const key = pool.join();
    if (part.kind.dataset.pool !== key) {
      const options = pool.map((each) => new Option(titleOf(each), each));
      part.kind.replaceChildren(...(pool.length > 1 ? [new Option("all of these, in turn", ""), ...options] : options));
      part.kind.dataset.pool = key;
    }
    part.kind.parentNode.hidden = pool.length < 2;
    part.kind.value = pool.length > 1 ? kind : pool[0];
    part.level.value = level;
  }

  function update() {
    const setting = read();
    const kind = kindOf(setting);
    if (shown?.kind !== kind || shown.seed !== setting.seed || shown.level !== setting.level) {
      set(exercise(kind, setting.seed, setting.level));
    }
    showProgress();
  }

  /** Shows an exercise from its start. */
  function set(wanted) {
    shown = wanted;
    now = { first: "", wrong: new Set(), steps: new Set(), bend: null, isDone: false };
    say(part.title, titleOf(shown.kind));
    say(part.which, `level ${shown.level} of ${HARDEST}, seed ${shown.seed}`);
    say(part.question, shown.question);
    ask = askFor(shown, part.answer, view);
    part.steps.replaceChildren();
    part.check.hidden = false;
    judge("", "");
    showSteps();
  }

  /** Says what an answer is. */
  function judge(outcome, words) {
    part.verdict.dataset.outcome = outcome;
    say(part.verdict, words);
    part.opens.hidden = !now.first || !link();
  }

  /** Leads to an explorer at this case: on this page, if it has one, or on a page of its own. */
  function link() {
    const name = shown.opens.match(/^#explorer=(\w+)/)?.[1];
    if (!name || !model.page) return false;
    const isHere = [...document.querySelectorAll(".book-widget[data-ready]")].some(({ bookModel }) => bookModel.page.key === name);
    part.link.href = isHere ? shown.opens : new URL(`${name}.html${shown.opens}`, model.page.bare).href;
    part.link.target = isHere ? "" : "_blank";
    part.link.rel = "noopener";
    part.where.hidden = isHere;
    return true;
  }

  /** Adds the lines of the sum that are to be seen; marks the one where a wrong answer bends. */
  function showSteps() {
    if (now.bend !== null) now.steps.add(now.bend);
    for (const index of [...now.steps].sort((one, other) => one - other)) {
      const later = [...part.steps.children].find(({ value }) => value > index);
      if ([...part.steps.children].some(({ value }) => value === index + 1)) continue;
      const item = made("li", shown.steps[index]);
      item.value = index + 1;
      part.steps.insertBefore(item, later ?? null);
    }
    for (const item of part.steps.children) item.classList.toggle("bend", item.value - 1 === now.bend);
    part.step.hidden = now.steps.size === shown.steps.length;
    say(part.step, now.steps.size ? "Show another step" : "Show a step");
  }

  /** Counts the first answer, and every wrong one, for the level; returns what changes, in words. */
  function count(outcome) {
    const before = standOf(shown.kind);
    const isFirst = !now.first;
    const isHelped = now.steps.size > 0;
    now.first ||= outcome;
    const told = outcome === "right" && (!isFirst || isHelped) ? "again" : outcome;
    progress.put(shown.kind, (stand = before) => ({
      tried: stand.tried + isFirst, right: stand.right + (isFirst && told === "right"), ...standAfter(stand, told),
    }));
    const { level } = standOf(shown.kind);
    if (level === before.level) return "";
    const why = level > before.level ? "Two right at once in a row" : "Two wrong in a row";
    return ` ${why}: the next one of this kind is at level ${level} of ${HARDEST}.`;
  }

  /** Tells Python, if there is one. */
  function report(text, { outcome, misconception }) {
    const { kind, seed, level } = shown;
    const told = { kind, seed, level, text: text.slice(0, 100), outcome, misconception: misconception ?? "" };
    write({ _history: [...(model.get("_history") ?? []), told].slice(-MOST_TOLD) });
  }

  part.form.onsubmit = (event) => {
    event.preventDefault();
    if (now.isDone) return next(); // Enter goes on
    const text = ask.text();
    const found = diagnose(shown, text);
    const { outcome, says, step } = found;
    if (outcome === "unreadable") judge(outcome, says);
    else {
      const isRepeated = now.wrong.has(text.trim());
      const moved = isRepeated ? "" : count(outcome);
      now.wrong.add(text.trim());
      now.isDone = part.check.hidden = outcome === "right";
      now.bend = step;
      judge(outcome, `${says}${moved}`);
      showSteps();
    }
    report(text, found);
    if (now.isDone) part.next.focus();
  };
  part.step.onclick = () => {
    now.steps.add(range(shown.steps.length).find((index) => !now.steps.has(index)));
    showSteps();
    if (part.step.hidden) part.next.focus(); // else the focus would go with the button
  };

  function next() {
    const setting = read();
    const seed = (setting.seed + 1) % SEEDS;
    choose({ seed, level: levelOf(kindOf({ ...setting, seed })) });
    ask.focus();
  }
  part.next.onclick = next;
  part.kind.onchange = () => {
    const kind = part.kind.value;
    choose({ kind, level: levelOf(kindOf({ ...read(), kind })) });
  };
  part.level.onchange = () => {
    const level = Number(part.level.value);
    progress.put(shown.kind, (stand = standOf(shown.kind)) => ({ ...stand, level, run: 0 }));
    choose({ level });
  };

  function showProgress() {
    const pool = poolOf(read());
    const [tried, right] = ["tried", "right"].map((name) => sumOf(progress, pool, name));
    say(part.progress, [tried && `${manyOf(tried, "exercise")} tried, ${right} right at once.`, progress.words()].filter(Boolean).join(" "));
  }

  function forget() {
    progress.forget();
    choose({ level: startLevel });
    showProgress();
  }

  const before = sumOf(progress, KINDS, "tried");
  if (before) {
    const setting = { ...read(), seed: (read().seed + before) % SEEDS }; // not those of the last time
    write({ seed: setting.seed, level: levelOf(kindOf(setting)) });
  }
  return view.start();
}

export default { render };
