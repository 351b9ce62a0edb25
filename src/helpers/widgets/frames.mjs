// Frames: a figure drawn beforehand at each of a few values, over one slider. Its Python side is frames.py.

import { keepKeys } from "./common.mjs";

/** The frames, from base64 of gzip of JSON: figures that differ little pack into little. */
export async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

let instances = 0;

async function render({ model, el }) {
  const id = `frames-${++instances}`;
  const frames = await unpack(model.get("packed"));
  const labels = model.get("labels");
  el.classList.add("book-explorer");
  el.innerHTML = `
    <div class="settings"><div><label for="${id}"></label><output for="${id}"></output>
      <input type="range" id="${id}" min="0" max="${frames.length - 1}"></div></div>
    <figure class="book-figure"><picture><source media="(max-width: 600px)"><img></picture></figure>`;
  const [label, output, input] = el.querySelector(".settings > div").children;
  const [narrow, image] = el.querySelector("picture").children;
  label.textContent = model.get("name");

  function put(element, attribute, { source, width, height }) {
    const isText = source.startsWith("<svg");
    element[attribute] = isText ? `data:image/svg+xml,${encodeURIComponent(source)}` : source;
    element.width = width;
    element.height = height;
  }

  function update() {
    const index = model.get("index");
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
