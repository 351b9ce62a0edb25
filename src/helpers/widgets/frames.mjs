// Frames: a figure drawn beforehand at each of a few values, over one slider. Its Python side is frames.py.

import { check, keepKeys, listOf, objectOf, rule, text, whole } from "./common.mjs";

const RULES = { name: text(10_000), labels: listOf(text(10_000), 1, 1000), packed: text(1e8) };
const isDrawn = (value) => typeof value === "string" && /^(<svg|data:image\/)/.test(value); // nothing from elsewhere
const drawing = objectOf({ source: rule("SVG or a data URL", isDrawn), width: whole(1, 20_000), height: whole(1, 20_000) });
const frame = objectOf({ alt: text(100_000), wide: drawing, narrow: (value, name) => value && drawing(value, name) });
const MOST_BYTES = 1e8; // few bytes may unpack into very many

/** The frames, from base64 of gzip of JSON: figures that differ little pack into little. */
export async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const parts = [];
  let size = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    size += part.value.length;
    if (size > MOST_BYTES) throw new Error(`packed must hold at most ${MOST_BYTES} bytes.`);
  }
  return new Response(new Blob(parts)).json();
}

let players = 0;

async function render({ model, el }) {
  const id = `frames-${++players}`;
  const state = Object.fromEntries(Object.keys(RULES).map((name) => [name, model.get(name)]));
  check(state, RULES);
  const { labels } = state;
  const frames = await unpack(state.packed).catch((error) => {
    throw error.constructor === Error ? error : new Error("packed must be figures, as base64 of gzip of JSON.");
  });
  listOf(frame, labels.length, labels.length)(frames, "packed");
  const position = whole(0, frames.length - 1);
  position(model.get("index"), "index");
  el.classList.add("book-explorer");
  el.innerHTML = `
    <div class="settings"><div><label for="${id}"></label><output for="${id}"></output>
      <input type="range" id="${id}" min="0" max="${frames.length - 1}"></div></div>
    <figure class="book-figure"><picture><source media="(max-width: 600px)"><img></picture></figure>`;
  const [label, output, input] = el.querySelector(".settings > div").children;
  const [narrow, image] = el.querySelector("picture").children;
  label.textContent = state.name;

  function put(element, attribute, { source, width, height }) {
    const isText = source.startsWith("<svg");
    element[attribute] = isText ? `data:image/svg+xml,${encodeURIComponent(source)}` : source;
    element.width = width;
    element.height = height;
  }

  function update() {
    const index = model.get("index");
    if (!position.passes(index)) return void (output.value = `index must be ${position.words}.`);
    const frame = frames[index];
    input.value = index;
    output.value = input.ariaValueText = labels[index];
    put(narrow, "srcset", frame.narrow ?? frame.wide);
    put(image, "src", frame.wide);
    image.alt = frame.alt;
  }

  input.oninput = () => {
    model.set("index", Number(input.value));
    model.save_changes();
  };
  keepKeys(el);

  model.on("change", update);
  update();
  return () => model.off("change", update);
}

export default { render };
