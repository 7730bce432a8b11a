// A Gram matrix to mark: crossings in the matrix, and for each row one of three words, beside it or, on a narrow page, below.

const STATUSES = ["recovered", "superposed", "dropped"];
const BLUE = [0, 114, 178];
const ORANGE = [213, 94, 0];

function colour(value) {
  const end = value < 0 ? BLUE : ORANGE;
  const share = Math.min(1, Math.abs(value));
  return `rgb(${end.map((channel) => Math.round(255 + share * (channel - 255))).join(" ")})`;
}

function element(tag, properties = {}, children = []) {
  const { attributes = {}, ...rest } = properties;
  const node = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.dataset.lmSuppressShortcuts = "true"; // else JupyterLab takes the arrow keys and the letters
  node.append(...children);
  return node;
}

const written = (value) => (Math.abs(value) < 0.005 ? "0" : (value > 0 ? "+" : "−") + Math.abs(value).toFixed(2));
const pairOf = (i, j) => `${Math.min(i, j)},${Math.max(i, j)}`;

function render({ model, el }) {
  el.classList.add("tms-gym");
  let status = [];
  let pairs = new Set();
  let cells = [];
  let radios = [];
  let verdicts = [];
  let painting = null;
  const group = Math.random().toString(36).slice(2);

  const task = element("p", {
    textContent:
      "Click the crossings where two features interfere; this marks both as superposed (S). Mark the other rows recovered (R) " +
      "or dropped (D). Keys: arrows move, Space marks a crossing, R, S and D mark a row and go to the next, Enter answers.",
  });
  const table = element("table", { attributes: { role: "grid", "aria-label": "Gram matrix to mark" } });
  const marks = element("div", { className: "tms-marks" });
  const board = element("div", { className: "tms-board" }, [table, marks]);
  const button = element("button", { type: "button" });
  const list = element("ol", { attributes: { "aria-label": "what was wrong" } });
  el.append(task, board, button, list);

  const done = () => "right" in model.get("verdict");
  const send = (action) => {
    const marked = [...pairs].map((pair) => pair.split(",").map(Number));
    model.send({ action, turn: model.get("turn"), status, pairs: marked });
  };
  const press = () => send(done() ? "next" : "answer");
  button.addEventListener("click", press);

  function paint() {
    const { right = [], missed = [], extra = [] } = model.get("verdict");
    const wrong = { missed: new Set(missed.map((pair) => pairOf(...pair))), extra: new Set(extra.map((pair) => pairOf(...pair))) };
    cells.forEach((row, i) =>
      row.forEach((cell, j) => {
        const pair = pairOf(i, j);
        const crossed = i !== j && pairs.has(pair);
        cell.classList.toggle("tms-crossed", crossed);
        cell.classList.toggle("tms-missed", wrong.missed.has(pair));
        cell.classList.toggle("tms-extra", wrong.extra.has(pair));
        if (i !== j) cell.setAttribute("aria-selected", crossed);
        const told = wrong.missed.has(pair) ? ", missed" : wrong.extra.has(pair) ? ", no crossing" : "";
        cell.setAttribute("aria-label", `${i} and ${j}: ${cell.title}${crossed ? ", marked" : ""}${told}`);
      })
    );
    radios.forEach((row, i) =>
      row.forEach((radio, k) => {
        radio.checked = status[i] === STATUSES[k];
        radio.disabled = done();
      })
    );
    verdicts.forEach((node, i) => (node.textContent = done() ? (right[i] ? "✓" : "✗") : ""));
    button.textContent = done() ? "Next matrix" : "Answer";
    list.replaceChildren(...(model.get("verdict").mistakes ?? []).map((text) => element("li", { textContent: `✗ ${text}` })));
  }

  function cross(i, j, on) {
    if (done() || i === j) return;
    pairs[on ? "add" : "delete"](pairOf(i, j));
    for (const k of [i, j]) {
      const meets = [...pairs].some((pair) => pair.split(",").includes(String(k)));
      if (on) status[k] = "superposed";
      else if (!meets && status[k] === "superposed") status[k] = "";
    }
    paint();
    send("mark");
  }

  function mark(i, k) {
    if (done()) return;
    status[i] = STATUSES[k];
    if (STATUSES[k] !== "superposed") {
      for (const pair of [...pairs]) {
        const [a, b] = pair.split(",").map(Number);
        if (a === i || b === i) cross(a, b, false);
      }
      status[i] = STATUSES[k];
    }
    paint();
    send("mark");
  }

  function focusCell(i, j) {
    const n = cells.length;
    const cell = cells[Math.max(0, Math.min(n - 1, i))][Math.max(0, Math.min(n - 1, j))];
    for (const other of cells.flat()) other.tabIndex = other === cell ? 0 : -1;
    cell.focus();
  }

  function key(event, i, j) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const k = STATUSES.findIndex((name) => name[0] === event.key.toLowerCase());
    const inMatrix = j !== null;
    if (event.key === "Enter") press();
    else if (k >= 0) {
      mark(i, k);
      const next = Math.min(i + 1, cells.length - 1);
      if (inMatrix) focusCell(next, j);
      else (radios[next].find((radio) => radio.checked) ?? radios[next][0]).focus();
    } else if (inMatrix && event.key === " ") cross(i, j, !pairs.has(pairOf(i, j)));
    else if (inMatrix && event.key in moves) focusCell(i + moves[event.key][0], j + moves[event.key][1]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function matrixCell(value, i, j, n) {
    const own = i === j;
    const cell = element("td", {
      className: `tms-cell${own ? " tms-own" : ""}${Math.abs(value) > 0.7 ? " tms-dark" : ""}`,
      tabIndex: i === 0 && j === 0 ? 0 : -1,
      title: written(value),
      textContent: n <= 8 ? written(value) : "",
      attributes: { role: "gridcell" },
    });
    cell.style.background = colour(value);
    cell.addEventListener("keydown", (event) => key(event, i, j));
    cell.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      cell.releasePointerCapture(event.pointerId); // so that dragging reaches the other cells
      painting = !pairs.has(pairOf(i, j));
      cross(i, j, painting);
      focusCell(i, j);
    });
    cell.addEventListener("pointerenter", () => painting !== null && cross(i, j, painting));
    return cell;
  }

  function markRow(i) {
    const options = STATUSES.map((name, k) => {
      const radio = element("input", { type: "radio", name: `${group}-${i}`, attributes: { "aria-label": `feature ${i}: ${name}` } });
      radio.addEventListener("change", () => mark(i, k));
      radio.addEventListener("keydown", (event) => key(event, i, null));
      return [radio, element("label", { title: name }, [radio, name[0].toUpperCase()])];
    });
    radios[i] = options.map(([radio]) => radio);
    verdicts[i] = element("span", { className: "tms-told" });
    const parts = [element("span", { textContent: String(i) }), ...options.map(([, label]) => label), verdicts[i]];
    return element("div", { className: "tms-mark", attributes: { role: "radiogroup", "aria-label": `feature ${i}` } }, parts);
  }

  function biasCell(value, n) {
    const cell = element("td", {
      className: `tms-cell tms-bias${Math.abs(value) > 0.7 ? " tms-dark" : ""}`,
      title: written(value),
      textContent: n <= 8 ? written(value) : "",
      attributes: { role: "gridcell", "aria-label": `bias ${written(value)}` },
    });
    cell.style.background = colour(value);
    return cell;
  }

  function lay() {
    const G = model.get("gram");
    const n = G.length;
    board.style.setProperty("--n", n);
    board.style.setProperty("--widest", `${n <= 8 ? 52 : n <= 12 ? 32 : 24}px`);
    board.classList.toggle("tms-many", n > 8);
    const header = (text, role = "columnheader") => element("th", { textContent: text, attributes: { role } });
    const names = G.map((_, j) => header(String(j)));
    if (n > 12) names.filter((_, j) => j % 5).forEach((name) => name.classList.add("tms-between"));
    const corner = element("td", { className: "tms-corner", attributes: { role: "columnheader", "aria-label": "feature" } });
    const bias = header("b");
    bias.classList.add("tms-bias");
    const top = element("tr", { attributes: { role: "row" } }, [corner, ...names, bias]);
    cells = G.map((row, i) => row.map((value, j) => matrixCell(value, i, j, n)));
    const rows = G.map((_, i) =>
      element("tr", { attributes: { role: "row" } }, [header(String(i), "rowheader"), ...cells[i], biasCell(model.get("bias")[i], n)])
    );
    table.replaceChildren(element("tbody", { attributes: { role: "rowgroup" } }, [top, ...rows]));
    radios = [];
    verdicts = [];
    marks.replaceChildren(...G.map((_, i) => markRow(i)));
    take();
  }

  function take() {
    const marks = model.get("marks");
    status = [...marks.status];
    pairs = new Set(marks.pairs.map((pair) => pairOf(...pair)));
    paint();
  }

  const stopPainting = () => (painting = null);
  const again = () => {
    const inside = board.contains(document.activeElement);
    lay();
    if (inside) focusCell(0, 0);
  };
  window.addEventListener("pointerup", stopPainting);
  model.on("change:gram", again);
  model.on("change:marks change:verdict", take);
  lay();
  return () => {
    window.removeEventListener("pointerup", stopPainting);
    model.off("change:gram", again);
    model.off("change:marks change:verdict", take);
  };
}

export default { render };
