// Draws the explorers of a built page. Each stands there as <div class="book-widget" data-module data-state>; the
// script of its module, loaded before this one, has put it into window.BOOK_WIDGETS. The module is the one that
// anywidget runs in JupyterLab, so what it gets here is as much of a widget model as works without a kernel.
(() => {
  const ADDRESS = document.currentScript.src || location.href;

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

  // An address such as #explorer=convolution&stride=2 sets an explorer; #explorer=convolution-2 is the second of its kind
  // on the page. Other addresses are the page's own. A bare page holds one explorer, and what follows # or ? is for it.
  const root = document.documentElement;
  const isBare = "bare" in root.dataset;

  function pageOf(place) {
    const { module } = place.dataset;
    const alike = [...document.querySelectorAll(".book-widget")].filter((other) => other.dataset.module === module);
    const kind = module.replace(/_explorer$/, "");
    const number = alike.indexOf(place);
    const key = number > 0 ? `${kind}-${number + 1}` : kind;
    return { key, bare: new URL(`../explorer/${kind}.html`, ADDRESS).href, show };
  }

  /** Puts an address into that of the page, where the page may change it. */
  function show(address) {
    try {
      history.replaceState(history.state, "", `#${address}`);
    } catch (error) {
      console.info("the address of this page stays:", error);
    }
  }

  /** What the page's address asks an explorer for. */
  function asked() {
    const texts = [location.search, location.hash].map((text) => text.slice(1));
    return texts.filter((text) => (isBare ? text.includes("=") : /(^|&)explorer=/.test(text))).join("&");
  }

  function setControls(value) {
    if (!["on", "off"].includes(value)) throw new Error(`controls must be on or off, got ${JSON.stringify(value).slice(0, 40)}.`);
    if (isBare) root.dataset.controls = value;
  }

  /** Sets the explorer that the page's address names, and shows it; one that it does not have, it says in the first. */
  function follow() {
    const address = asked();
    const { common, share } = window.BOOK_WIDGETS ?? {};
    const pages = new Map([...document.querySelectorAll(".book-widget[data-ready]")].map((place) => [place, place.bookModel.page]));
    const places = [...pages.keys()].filter((place) => pages.get(place).view);
    if (!address || !places.length || !share) return;
    let place = places[0];
    try {
      const values = share.readAddress(address);
      const key = values.get("explorer") ?? pages.get(place).key;
      place = places.find((each) => pages.get(each).key === key);
      if (!place) {
        place = places[0];
        const keys = places.map((each) => pages.get(each).key);
        throw new Error(`this page has no explorer ${common.quoted(key)}; it has ${keys.join(", ")}.`);
      }
      if (values.has("controls")) setControls(values.get("controls"));
      for (const name of ["explorer", "controls"]) values.delete(name);
      pages.get(place).view.follow(Object.fromEntries(values));
    } catch (error) {
      if (error.constructor !== Error) throw error; // no sentence of ours
      pages.get(place).view.refuseAddress(error.message);
    }
    if (!isBare) reveal(place);
  }

  function reveal(place) {
    for (let fold = place.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    place.tabIndex = -1; // so that the next press of Tab goes on from here, as after a link to a section
    place.focus({ preventScroll: true });
    place.scrollIntoView();
    if (document.readyState !== "complete") addEventListener("load", () => place.scrollIntoView()); // images above have come
  }

  async function draw(place) {
    const view = document.createElement("div");
    let model;
    try {
      const { module, state } = place.dataset;
      if (!Object.hasOwn(window.BOOK_WIDGETS ?? {}, module)) throw new Error("the page lacks its module.");
      model = new PageModel(parse(state));
      model.page = pageOf(place);
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

  /** Draws all, and then follows the address. */
  async function drawAll() {
    await Promise.all([...document.querySelectorAll(".book-widget:not([data-ready])")].map(draw));
    follow();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", drawAll);
  else drawAll();
  addEventListener("hashchange", follow);
  // A link to where the page is already is no change, but the reader has moved the sliders meanwhile.
  document.addEventListener("click", ({ target }) => {
    const link = target.closest?.("a[href*='explorer=']");
    if (link?.href === location.href) follow();
  });

  // A bare page has no theme of its own: it is light or dark as the system is.
  if (isBare) {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const turn = () => (root.dataset.theme = dark.matches ? "dark" : "light");
    dark.addEventListener("change", turn);
    turn();
  }
})();
