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

const written = (value) => value.toFixed(2).replace("-", "−");

function render({ model, el }) {
  // The square in which the columns lie is a share of the picture, from its lower left; the SVG covers the whole picture, in
  // units of W with y downwards.
  const { place, size, reach } = model.get("plane");
  const [x, y, share] = place;
  const width = (2 * reach) / share;
  const unit = width / (100 * size[0]); // of W, a page pixel
  const height = 100 * size[1] * unit;
  const svg = node("svg", {
    role: "group", "aria-label": "columns of W: drag them, or move them with the arrow keys",
    viewBox: [-reach - x * width, reach - (1 - y) * height, width, height].join(" "),
  });
  svg.style.maxWidth = `${100 * size[0]}px`;
  el.classList.add("tms-plane");
  el.append(svg);
  let columns = [];
  let handles = [];
  let held = null;

  function put(i) {
    const [cx, cy] = columns[i];
    const length = Math.hypot(cx, cy);
    handles[i].firstChild.setAttribute("cx", cx);
    handles[i].firstChild.setAttribute("cy", -cy);
    handles[i].setAttribute("aria-valuenow", length.toFixed(2));
    handles[i].setAttribute("aria-valuetext", `at ${written(cx)}, ${written(cy)}; length ${written(length)}`);
  }

  function move(i, to) {
    columns[i] = to.map((value) => Number(Math.max(-reach, Math.min(reach, value)).toFixed(2)));
    put(i);
    model.set("moved", { turn: model.get("moved").turn + 1, columns: columns.map((column) => [...column]) });
    model.save_changes();
  }

  function handle(i) {
    const group = node("g", {
      role: "slider", tabindex: 0, "aria-label": `column ${i}, its length`, "aria-valuemin": 0,
      "aria-valuemax": (Math.SQRT2 * reach).toFixed(2), "data-lm-suppress-shortcuts": "true",
    });
    group.append(node("circle", { r: 14 * unit }));
    group.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      held = i;
      group.setPointerCapture(event.pointerId);
      group.focus();
      event.preventDefault();
    });
    group.addEventListener("pointermove", (event) => {
      if (held !== i) return;
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      move(i, [at.x, -at.y]);
    });
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
    const laid = model.get("laid");
    if (laid.turn < model.get("moved").turn) return; // a later move is under way to the kernel
    // A column in the reader's hand stays there; the kernel's word comes a moment later.
    columns = laid.columns.map((column, i) => (i === held && columns[i] ? columns[i] : [...column]));
    if (handles.length !== columns.length) {
      handles = columns.map((_, i) => handle(i));
      svg.replaceChildren(...handles);
    }
    columns.forEach((_, i) => put(i));
  }

  model.on("change:laid", take);
  take();
  return () => model.off("change:laid", take);
}

export default { render };
