// Draws the explorers of a built page. Each stands there as <div class="book-widget" data-module data-state>; the
// script of its module, loaded before this one, has put it into window.BOOK_WIDGETS. The module is the one that
// anywidget runs in JupyterLab, so what it gets here is as much of a widget model as works without a kernel.
(() => {
  const ADDRESS = document.currentScript.src;

  class PageModel {
    #state;
    #listeners = new Map();

    constructor(state) {
      this.#state = state;
    }

    get(name) {
      return this.#state[name];
    }

    // As in Backbone: all values first, then one "change:NAME" for each that is new, then one "change".
    set(changes, value) {
      const entries = Object.entries(typeof changes === "string" ? { [changes]: value } : changes);
      const changed = entries.filter(([name, next]) => !Object.is(this.#state[name], next));
      for (const [name, next] of changed) this.#state[name] = next;
      for (const [name] of changed) this.#emit(`change:${name}`);
      if (changed.length) this.#emit("change");
    }

    save_changes() {} // no kernel to send them to

    // Packed images, as text, out of a script beside this one: a page from the disk may load that, and nothing else.
    loadImages(name) {
      return new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = new URL(`widgets/images/${name}.js`, ADDRESS);
        script.onload = () => resolve(window.BOOK_IMAGES[name]);
        script.onerror = () => reject(new Error("the images do not lie beside this page; choose others."));
        document.head.append(script);
      });
    }

    on(event, listener) {
      if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
      this.#listeners.get(event).add(listener);
    }

    off(event, listener) {
      this.#listeners.get(event)?.delete(listener);
    }

    #emit(event) {
      for (const listener of [...(this.#listeners.get(event) ?? [])]) listener();
    }
  }

  // The text below does not move up and down with a slider: the explorer keeps the height that it once had. It gives
  // it up when another control is used, such as a preset, or when the page gets another width.
  function keepStill(place) {
    let width = 0;
    const giveUp = () => (place.style.minHeight = "");
    for (const kind of ["click", "change"]) {
      place.addEventListener(kind, (event) => event.target.type === "range" || giveUp(), { capture: true });
    }
    new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width !== width) giveUp();
      width = contentRect.width;
      place.style.minHeight = `${place.offsetHeight}px`;
    }).observe(place);
  }

  function parse(json) {
    let state;
    try {
      state = JSON.parse(json);
    } catch (error) {
      throw new Error("its state must be JSON.", { cause: error });
    }
    if (state === null || typeof state !== "object" || Array.isArray(state)) throw new Error("its state must be an object.");
    return state;
  }

  // The fallback stays, below a sentence. What an explorer says of its state is for the reader; a fault in it is not.
  function refuse(place, error) {
    console.error(`explorer ${place.dataset.module}:`, error);
    const problem = document.createElement("p");
    problem.className = "problem";
    problem.role = "alert";
    const reason = error.constructor === Error ? `: ${error.message}` : ".";
    problem.textContent = `This explorer cannot be drawn${reason}`;
    place.prepend(problem);
  }

  async function draw(place) {
    const view = document.createElement("div");
    let model;
    try {
      const { module, state } = place.dataset;
      if (!Object.hasOwn(window.BOOK_WIDGETS ?? {}, module)) throw new Error("the page lacks its module.");
      model = new PageModel(parse(state));
      await window.BOOK_WIDGETS[module].render({ model, el: view });
    } catch (error) {
      refuse(place, error);
      return;
    }
    place.replaceChildren(view);
    keepStill(place);
    place.bookModel = model; // for the tests, and for whoever wants to drive it from the console
    place.dataset.ready = "";
  }

  function drawAll() {
    document.querySelectorAll(".book-widget:not([data-ready])").forEach(draw);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", drawAll);
  else drawAll();
})();
