// What the explorers look at: inputs and kernels by name, and a picture of the reader's own.
//
// The picture is 28 by 28 shares of ink, from 0, white, to 1, black. The reader draws it, or opens, pastes or drops an
// image, which is scaled on this page and sent nowhere. Python has the inputs and kernels by name in setting.py.

import { ARROWS, clamp, grid, isSame, paint, pickOf, ramp, range, resize, say } from "./common.mjs";

export const SIDE = 28; // pixels

/** The ink of a handwritten 7 at a point of the unit square, 0 to 9. */
function ink(x, y) {
  const bar = Math.max(Math.abs(y - 0.22), Math.abs(x - 0.5) - 0.25);
  const stem = Math.max(0.9 * Math.abs(x - 0.75 + 0.5 * (y - 0.22)), Math.abs(y - 0.52) - 0.3);
  return clamp(Math.floor(15.5 - 120 * Math.min(bar, stem)), 0, 9);
}

// Inputs and kernels that exist at any size.
const isCenter = ({ row, column, height, width }) => row === height >> 1 && column === width >> 1;
export const IMAGES = {
  digits: ({ row: y, column: x }) => ((y * y + 2 * x * x + 2 * y * x + 6 * y + 8 * x + 3) % 19) % 10,
  counting: ({ row, column, width }) => row * width + column + 1,
  edge: ({ column, width }) => (2 * column < width ? 0 : 9),
  dot: (at) => 9 * isCenter(at),
  seven: ({ row, column, height, width }) => ink((column + 0.5) / width, (row + 0.5) / height),
};
export const KERNELS = {
  "vertical edges": ({ column, width }) => Math.sign(width - 1 - 2 * column),
  "horizontal edges": ({ row, height }) => Math.sign(height - 1 - 2 * row),
  outline: (at) => isCenter(at) * at.height * at.width - 1,
  mean: ({ height, width }) => 1 / (height * width),
  ones: () => 1,
  identity: (at) => +isCenter(at),
};

/** The numbers of a grid that has a name in a table. */
export const cellsNamed = (name, table, height, width) =>
  grid(height, width, (row, column) => table[name]({ row, column, height, width }));

// Files

const MOST_PIXELS = 50; // million; opened, each takes four bytes
const MOST_BYTES = 100; // million

function refusePicture(rule, got) {
  throw new Error(`The picture must be ${rule}, got ${got}.`);
}

/** The file as an element that knows its size, and is not decoded, so that a huge one can be refused; null if it is none. */
const elementOf = (address) =>
  new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => resolve(null);
    image.src = address;
  });

/** An image as it is drawn on white in the middle of the picture: its ink, where it lies, and whether white shows through. */
function inkOf(source, [wide, high]) {
  const [left, top] = [wide, high].map((size) => (SIDE - size) >> 1);
  const sheet = resize(document.createElement("canvas"), SIDE, SIDE).getContext("2d", { willReadFrequently: true });
  sheet.imageSmoothingQuality = "high";
  sheet.drawImage(source, left, top, wide, high);
  const { data } = sheet.getImageData(left, top, wide, high);
  const pixels = new Float32Array(SIDE ** 2);
  let isClear = false;
  for (const at of range(wide * high)) {
    const [red, green, blue, opacity] = data.subarray(4 * at);
    const gray = (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
    pixels[(top + Math.floor(at / wide)) * SIDE + left + (at % wide)] = (1 - gray) * (opacity / 255);
    isClear ||= opacity < 250;
  }
  return { pixels, frame: [left, top, wide, high], isClear };
}

/** The picture that a file holds, and what it was, in words. Throws a sentence for the reader. */
async function readPicture(file, source) {
  if (!file.size) refusePicture("a file that holds an image", "an empty file");
  if (file.size > 1e6 * MOST_BYTES) {
    refusePicture(`a file of at most ${MOST_BYTES} megabytes`, `${Math.round(file.size / 1e6)} megabytes`);
  }
  const address = URL.createObjectURL(file);
  try {
    const image = await elementOf(address);
    const isDrawing = file.type.includes("svg"); // it may have no size
    const size = image && [image.naturalWidth, image.naturalHeight].map((side) => side || (isDrawing ? SIDE : 0));
    if (!size?.every(Boolean)) throw new TypeError("no image");
    const named = size.join(" × ");
    if (size[0] * size[1] > 1e6 * MOST_PIXELS) {
      refusePicture(`an image of at most ${MOST_PIXELS} million pixels`, named);
    }
    const scaled = size.map((side) => clamp(Math.round((side * SIDE) / Math.max(...size)), 1, SIDE));
    const small = { resizeWidth: scaled[0], resizeHeight: scaled[1], resizeQuality: "high" };
    const found = inkOf(isDrawing ? image : await createImageBitmap(file, small), scaled);
    const notes = [Math.min(...scaled) < SIDE && "White fills the rest.", found.isClear && "What is transparent became white."];
    return { ...found, words: [`from ${source} of ${named} pixels.`, ...notes.filter(Boolean)].join(" ") };
  } catch (error) {
    if (error.constructor === Error) throw error; // a sentence already
    return refusePicture("an image that this browser can open", file.type ? `a file of type ${file.type}` : "a file of no known type");
  } finally {
    URL.revokeObjectURL(address);
  }
}

// The pad

const MOST_UNDONE = 50;
const PEN = 1.9; // pixels from its middle to where it leaves no ink
const YOURS = `Your picture, ${SIDE} × ${SIDE}`;
const DRAWN = `${YOURS}, drawn here.`;
const grayOf = (share) => ["white", ...range(8).map((step) => `gray ${step + 1} of 9`), "black"][Math.round(9 * share)];

const padTemplate = (id) => `
  <div class="stack"><canvas part="picture" tabindex="0" role="application" aria-describedby="${id}-how"></canvas><i></i></div>
  <div><div class="bar"><label><input type="checkbox" part="rubber"> Rub out</label>
  <button part="undo">Undo</button><button part="clear">Clear</button><button part="invert">Invert</button></div>
  <label>Open an image<input type="file" accept="image/*" part="file"></label>
  <p id="${id}-how"></p><p role="status" part="padWords"></p><p class="problem" role="alert" part="padProblem"></p></div>`;

/**
 * Fills a place of an explorer with a pad for its `pixels`, and tells `change` of each change, and whether a line goes on.
 *
 * Arrow keys move the pen, and with Shift the picture; with `shifts` the other way around. Whatever is pasted while the
 * explorer has the focus, or dropped on it, is taken, and `reveal` shows the pad; `fate` says who gets it. Returns `show`
 * and `close`.
 */
export function openPad(place, { el, id, label, pixels, shifts = false, fate = "sent nowhere", change, reveal = () => {} }) {
  place.classList.add("pad");
  place.innerHTML = padTemplate(id);
  const part = Object.fromEntries([...place.querySelectorAll("[part]")].map((node) => [node.part.value, node]));
  const canvas = part.picture;
  const colors = ramp("pixel-low", "pixel-low", "pixel-high");
  const past = [];
  let frame; // what of the picture is the image, without the white beside it
  let pen = [SIDE >> 1, SIDE >> 1]; // row and column
  let last = null; // where the pointer was, while it draws
  let asked = 0; // how often an image was

  canvas.ariaLabel = label;
  place.querySelector("p").textContent =
    `Draw with a finger or a pointer. Arrow keys move ${shifts ? "the picture, with Shift the pen" : "the pen, with Shift the picture"}; ` +
    "Space makes the pixel under the pen black or white. Or open an image, drop one here, or paste one with Ctrl and V: " +
    `it is scaled on this page, and ${fate}.`;

  function show() {
    paint(resize(canvas, SIDE, SIDE), pixels, SIDE, 1, colors);
    part.undo.disabled = !past.length;
    canvas.nextSibling.style.cssText = `--row:${pen[0]};--column:${pen[1]}`;
  }

  /** Keeps the picture as it is, before it becomes another. */
  function keep() {
    past.push([pixels.slice(), frame]);
    if (past.length > MOST_UNDONE) past.shift();
  }

  function changed(words) {
    say(part.padProblem, "");
    show();
    say(part.padWords, words);
    const { top } = canvas.getBoundingClientRect();
    change(last !== null);
    scrollBy(0, canvas.getBoundingClientRect().top - top); // the explorer above may have grown
  }
  const refuse = (sentence) => say(part.padProblem, `${sentence} Your picture stays as it was.`);

  function act(words, alter) {
    keep();
    alter();
    changed(words);
  }

  const isFramed = (at) => {
    const [left, top, wide, high] = frame ?? [0, 0, SIDE, SIDE];
    const [row, column] = [Math.floor(at / SIDE) - top, (at % SIDE) - left];
    return row >= 0 && row < high && column >= 0 && column < wide;
  };
  part.clear.onclick = () => act("The picture is white.", () => (frame = pixels.fill(0) && null));
  part.invert.onclick = () =>
    act("Black has become white, and white black.", () => pixels.forEach((share, at) => isFramed(at) && (pixels[at] = 1 - share)));
  part.undo.onclick = () => {
    const [before, itsFrame] = past.pop();
    pixels.set(before);
    frame = itsFrame;
    changed("The last change is undone.");
    if (!past.length) canvas.focus(); // not on a button that is off
  };

  // Drawing

  /** Draws a line from a place to another, each [x, y] in pixels. */
  function stroke([x, y], [toX, toY]) {
    const [across, down] = [toX - x, toY - y];
    for (const at of pixels.keys()) {
      const [right, below] = [(at % SIDE) + 0.5 - x, Math.floor(at / SIDE) + 0.5 - y];
      const along = clamp((right * across + below * down) / (across ** 2 + down ** 2 || 1), 0, 1);
      const ink = clamp(PEN - Math.hypot(right - along * across, below - along * down), 0, 1);
      pixels[at] = part.rubber.checked ? Math.min(pixels[at], 1 - ink) : Math.max(pixels[at], ink);
    }
  }

  const draw = ({ clientX, clientY }) => {
    const { left, top, width } = canvas.getBoundingClientRect();
    const here = [clientX - left, clientY - top].map((length) => (length / width) * SIDE);
    stroke(last ?? here, here);
    last = here;
    changed(DRAWN);
  };
  canvas.onpointerdown = (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    keep();
    draw(event);
  };
  canvas.onpointermove = (event) => last && draw(event);
  canvas.onlostpointercapture = () => {
    last = null;
    changed(DRAWN);
  };

  function shift([down, across]) {
    const from = pixels.slice();
    for (const at of pixels.keys()) {
      const [row, column] = [Math.floor(at / SIDE) - down, (at % SIDE) - across];
      pixels[at] = [row, column].every((index) => index >= 0 && index < SIDE) ? from[row * SIDE + column] : 0;
    }
    frame = null;
  }

  canvas.onkeydown = (event) => {
    const step = ARROWS[event.key];
    const at = pen[0] * SIDE + pen[1];
    if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) part.undo.click();
    else if (event.key === " ") act(where(1 - Math.round(pixels[at])), () => (pixels[at] = 1 - Math.round(pixels[at])));
    else if (step && event.shiftKey !== shifts) act("The picture has moved.", () => shift(step));
    else if (step) {
      pen = pen.map((index, side) => clamp(index + step[side], 0, SIDE - 1));
      show();
      say(part.padWords, where(pixels[pen[0] * SIDE + pen[1]]));
    } else return;
    event.preventDefault(); // the page would scroll
  };
  const where = (share) => `Row ${pen[0]}, column ${pen[1]}: ${grayOf(share)}.`;

  // Images

  async function take([file, ...more], source) {
    const own = ++asked;
    reveal();
    say(part.padProblem, "");
    say(part.padWords, "The image is being opened.");
    try {
      const found = await readPicture(file, source);
      if (own !== asked || !place.isConnected) return;
      const others = more.length ? ` It is the first of ${more.length + 1} files.` : "";
      act(`${YOURS}, ${found.words}${others}`, () => {
        pixels.set(found.pixels);
        frame = found.frame;
      });
    } catch (error) {
      if (error.constructor !== Error) throw error; // no sentence of ours
      if (own !== asked) return;
      say(part.padWords, "");
      refuse(error.message);
    }
  }

  part.file.onchange = async () => {
    await take(part.file.files, "a file");
    part.file.value = ""; // so that the same file can be opened again
  };
  const paste = (event) => {
    const { activeElement } = el.getRootNode();
    const { files, types } = event.clipboardData;
    if (!el.contains(activeElement) || (!files.length && activeElement.matches(":read-write"))) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab would paste cells
    if (files.length) return void take(files, "a pasted image");
    reveal();
    refuse(`The clipboard must hold an image, got ${types.length ? "text" : "nothing"}.`);
  };
  document.addEventListener("paste", paste, { capture: true });
  const isForUs = ({ dataTransfer: { types } }) => ["Files", "text/uri-list"].some((type) => types.includes(type));
  el.ondragover = (event) => isForUs(event) && event.preventDefault();
  el.ondrop = (event) => {
    if (!isForUs(event)) return;
    event.preventDefault(); // the browser would leave the page
    const { files } = event.dataTransfer;
    if (files.length) return void take(files, "a dropped file");
    reveal();
    refuse("What is dropped must be an image file, got an address.");
  };

  show();
  return { show, close: () => document.removeEventListener("paste", paste, { capture: true }) };
}

// The picture as the input of an explorer

/** The share of each of an axis' pixels in a cell, if the axis has so many cells. */
const sharesOf = (count) =>
  range(count).map((cell) => {
    const [from, to] = [(cell * SIDE) / count, ((cell + 1) * SIDE) / count];
    return range(SIDE).map((pixel) => Math.max(0, Math.min(to, pixel + 1) - Math.max(from, pixel)) / (to - from));
  });

/** The picture in ten grays from `low`, white, to `high`, black, as a grid of any size: a cell is the mean of what it covers. */
function gridOf(pixels, [low, high], rows, columns) {
  const sum = (shares, valueAt) => shares.reduce((total, share, index) => (share ? total + share * valueAt(index) : total), 0);
  const [down, across] = [sharesOf(rows), sharesOf(columns)];
  const lines = range(SIDE).map((row) => across.map((shares) => sum(shares, (column) => pixels[row * SIDE + column])));
  return grid(rows, columns, (row, column) => {
    const tenth = Math.round(9 * sum(down[row], (line) => lines[line][column]));
    return low + (tenth * (high - low)) / 9;
  });
}

/** The numbers of white and black in a page's image, so that the picture can take its place: 0 and 1, 0 and 9, or its own. */
function rangeOf(image) {
  const [low, high] = [Math.min(0, ...image.flat()), Math.max(...image.flat())];
  return low < 0 ? [low, Math.max(high, low + 1)] : [0, Math.max(high, [1, 9].find((end) => end >= high) ?? 0)];
}

/**
 * The picture of a reader that can take the place of the `image` of an explorer.
 *
 * With `sizes`, the trait of the image's rows and columns, the image goes from 0 to 9 and has any size; else it is as large
 * as the page's, and goes as far. An address has the image `instead` in its place, or the page's; `stand` says so in words.
 */
export function ownPicture({ sizes, instead, stand }) {
  const pixels = new Float32Array(SIDE ** 2);
  let written = null; // the pixels as they were when they became the image
  let ends = [0, 9];
  let before = {}; // the traits that they took the place of

  const at = (rows, columns) => gridOf(written, ends, rows, columns);
  function isOwn(image) {
    if (!written || !Array.isArray(image) || !Array.isArray(image[0])) return false;
    const [rows, columns] = [image.length, image[0].length];
    return Math.max(rows, columns) <= 32 && isSame(image, at(rows, columns));
  }
  const picture = { at, isOwn, instead: { image: instead }, stand };

  /** The fold with the pad. */
  picture.fold = ({ model, el, fold, id, read, choose, closing }) => {
    const place = document.createElement("div");
    const toggle = document.createElement("button");
    const { image } = read();
    if (!sizes) [ends, picture.instead] = [rangeOf(image), { image }];

    function use(isDrawing) {
      const now = read();
      const isIn = isOwn(now.image);
      if (isDrawing && sizes && !isIn) return; // the explorer would grow, and the pad move below the pointer
      if (!isIn) before = pickOf(sizes ? ["image", sizes] : ["image"], now);
      written = pixels.slice();
      const size = sizes && isIn ? [now.image.length, now.image[0].length] : [SIDE, SIDE];
      choose({ image: at(...size), ...(sizes && !isIn && { [sizes]: SIDE }) });
    }
    toggle.onclick = () => (isOwn(read().image) ? choose(before) : use(false));
    const reveal = () => (fold.open = true);
    const fate = model.page ? "sent nowhere" : "only Python gets it, as `image`";
    const pad = openPad(place, { el, id: `${id}-pad`, label: "Your picture", pixels, fate, change: use, reveal });
    closing.push(pad.close);
    return ["Your own picture", (body) => {
      body.append(place, toggle);
      return (setting) => say(toggle, isOwn(setting.image) ? "Back to the input that was there" : "Use the picture");
    }];
  };
  return picture;
}
