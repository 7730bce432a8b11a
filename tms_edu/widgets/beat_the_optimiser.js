// Handles over the tips of the columns in the picture: dragged by mouse, or moved by the arrow keys.

const SVG = "http://www.w3.org/2000/svg";
const FINE = 0.01;
const COARSE = 0.05;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function node(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const tidy = (value) => Math.round(value / FINE) * FINE;
const written = (value) => value.toFixed(2).replace("-", "−");

function render({ model, el }) {
  el.classList.add("tms-plane");
  const svg = node("svg", { role: "group", "aria-label": "columns of W: drag them, or move them with the arrow keys" });
  el.append(svg);
  let columns = [];
  let handles = [];
  let held = null;

  const toPage = ([x, y]) => {
    const [left, top, side, reach] = model.get("plane");
    return [left + (side * (x + reach)) / (2 * reach), top + (side * (reach - y)) / (2 * reach)];
  };
  const fromPage = (event) => {
    const [left, top, side, reach] = model.get("plane");
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [((at.x - left) / side) * 2 * reach - reach, reach - ((at.y - top) / side) * 2 * reach];
  };

  function put(i) {
    const [cx, cy] = toPage(columns[i]);
    const length = Math.hypot(...columns[i]);
    handles[i].firstChild.setAttribute("cx", cx);
    handles[i].firstChild.setAttribute("cy", cy);
    handles[i].setAttribute("aria-valuenow", length.toFixed(2));
    handles[i].setAttribute("aria-valuetext", `at ${written(columns[i][0])}, ${written(columns[i][1])}; length ${written(length)}`);
  }

  function move(i, [x, y]) {
    const reach = model.get("plane")[3];
    const within = (value) => Number(tidy(Math.max(-reach, Math.min(reach, value))).toFixed(2));
    columns[i] = [within(x), within(y)];
    put(i);
    model.set({ mine: columns.map((column) => [...column]), moves: model.get("moves") + 1 });
    model.save_changes();
  }

  function handle(i) {
    const reach = model.get("plane")[3];
    const group = node("g", {
      role: "slider", tabindex: 0, "aria-label": `column ${i}, its length`, "aria-valuemin": 0,
      "aria-valuemax": (Math.SQRT2 * reach).toFixed(2), "data-lm-suppress-shortcuts": "true",
    });
    group.append(node("circle", { r: 14 }));
    group.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      held = i;
      group.setPointerCapture(event.pointerId);
      group.focus();
      event.preventDefault();
    });
    group.addEventListener("pointermove", (event) => held === i && move(i, fromPage(event)));
    for (const end of ["pointerup", "pointercancel"]) group.addEventListener(end, () => (held = null));
    group.addEventListener("keydown", (event) => {
      const [dx, dy] = KEYS[event.key] ?? [0, 0];
      const away = event.key === "Delete" || event.key === "Backspace";
      if (!away && !dx && !dy) return;
      const step = event.shiftKey ? FINE : COARSE;
      move(i, away ? [0, 0] : [columns[i][0] + step * dx, columns[i][1] + step * dy]);
      event.preventDefault();
      event.stopPropagation();
    });
    return group;
  }

  function take() {
    // An answer to an earlier move must not undo a later one, which is under way to the kernel.
    if (model.get("answered") < model.get("moves")) return;
    const told = model.get("columns");
    const [, , , , width, height] = model.get("plane");
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.style.maxWidth = `${width}px`;
    // A column in the reader's hand stays there; the kernel's word comes a moment later.
    columns = told.map((column, i) => (i === held && columns[i] ? columns[i] : [...column]));
    if (handles.length !== columns.length) {
      handles = columns.map((_, i) => handle(i));
      svg.replaceChildren(...handles);
    }
    columns.forEach((_, i) => put(i));
  }

  const news = "change:columns change:plane change:answered";
  model.on(news, take);
  take();
  return () => model.off(news, take);
}

export default { render };
