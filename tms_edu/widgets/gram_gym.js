// A Gram matrix to mark: crossings in the matrix, and for each row one of three words, beside it or, on a narrow page, below.

const STATUSES = ["recovered", "superposed", "dropped"];
const BLUE = [0, 114, 178];
const ORANGE = [213, 94, 0];
const READ = 400; // ms: nobody reads a verdict or a matrix in less, so a press before that was a slip of the first

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
const membersOf = (pair) => pair.split(",").map(Number);
const pairsOf = (list = []) => new Set(list.map((pair) => pairOf(...pair)));

function render({ model, el }) {
  el.classList.add("tms-gym");
  let state = {}; // as the kernel told it
  let status = []; // the marks; the kernel hears of each
  let pairs = new Set();
  let cells = [];
  let radios = [];
  let verdicts = [];
  let painting = null;
  let meansSince = -READ; // when the button came to mean what it does
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

  const send = (action) => model.send({ action, turn: state.turn, status, pairs: [...pairs].map(membersOf) });
  const press = () => performance.now() - meansSince > READ && send(state.verdict ? "next" : "answer");
  button.addEventListener("click", press);

  function paint() {
    const [missed, extra] = [pairsOf(state.verdict?.missed), pairsOf(state.verdict?.extra)];
    const mistakes = state.verdict?.mistakes ?? {};
    cells.forEach((row, i) =>
      row.forEach((cell, j) => {
        const pair = pairOf(i, j);
        const crossed = i !== j && pairs.has(pair);
        cell.classList.toggle("tms-crossed", crossed);
        cell.classList.toggle("tms-missed", missed.has(pair));
        cell.classList.toggle("tms-extra", extra.has(pair));
        if (i !== j) cell.setAttribute("aria-selected", crossed);
        const told = missed.has(pair) ? ", missed" : extra.has(pair) ? ", no crossing" : "";
        cell.setAttribute("aria-label", `${i} and ${j}: ${cell.title}${crossed ? ", marked" : ""}${told}`);
      })
    );
    radios.forEach((row, i) =>
      row.forEach((radio, k) => {
        radio.checked = status[i] === STATUSES[k];
        radio.disabled = Boolean(state.verdict);
      })
    );
    verdicts.forEach((node, i) => (node.textContent = state.verdict ? (i in mistakes ? "✗" : "✓") : ""));
    button.textContent = state.verdict ? "Next matrix" : "Answer";
    list.replaceChildren(...Object.values(mistakes).map((text) => element("li", { textContent: `✗ ${text}` })));
  }

  function put(pair, on) {
    pairs[on ? "add" : "delete"](pair);
    for (const k of membersOf(pair)) {
      const meets = [...pairs].some((other) => membersOf(other).includes(k));
      if (on) status[k] = "superposed";
      else if (!meets && status[k] === "superposed") status[k] = "";
    }
  }

  function change(act) {
    if (state.verdict) return;
    act();
    paint();
    send("mark");
  }

  const cross = (i, j, on) => i !== j && change(() => put(pairOf(i, j), on));
  const mark = (i, name) =>
    change(() => {
      if (name !== "superposed") [...pairs].filter((pair) => membersOf(pair).includes(i)).forEach((pair) => put(pair, false));
      status[i] = name;
    });

  function focusCell(i, j) {
    const within = (k) => Math.max(0, Math.min(cells.length - 1, k));
    const cell = cells[within(i)][within(j)];
    for (const other of cells.flat()) other.tabIndex = other === cell ? 0 : -1;
    cell.focus();
  }

  function key(event, i, j) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const name = STATUSES.find((name) => name[0] === event.key.toLowerCase());
    const inMatrix = j !== null;
    if (event.key === "Enter") press();
    else if (name) {
      mark(i, name);
      const next = Math.min(i + 1, cells.length - 1);
      if (inMatrix) focusCell(next, j);
      else (radios[next].find((radio) => radio.checked) ?? radios[next][0]).focus();
    } else if (inMatrix && event.key === " ") cross(i, j, !pairs.has(pairOf(i, j)));
    else if (inMatrix && event.key in moves) focusCell(i + moves[event.key][0], j + moves[event.key][1]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function cell(value, n, name, attributes) {
    const node = element("td", {
      className: `tms-cell ${name}${Math.abs(value) > 0.7 ? " tms-dark" : ""}`,
      title: written(value),
      textContent: n <= 8 ? written(value) : "",
      attributes: { role: "gridcell", ...attributes },
    });
    node.style.background = colour(value);
    return node;
  }

  function matrixCell(value, i, j, n) {
    const node = cell(value, n, i === j ? "tms-own" : "", { tabindex: i || j ? -1 : 0 });
    node.addEventListener("keydown", (event) => key(event, i, j));
    node.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      node.releasePointerCapture(event.pointerId); // so that dragging reaches the other cells
      painting = !pairs.has(pairOf(i, j));
      cross(i, j, painting);
      focusCell(i, j);
    });
    node.addEventListener("pointerenter", () => painting !== null && cross(i, j, painting));
    return node;
  }

  function markRow(i) {
    const options = STATUSES.map((name) => {
      const radio = element("input", { type: "radio", name: `${group}-${i}`, attributes: { "aria-label": `feature ${i}: ${name}` } });
      radio.addEventListener("change", () => mark(i, name));
      radio.addEventListener("keydown", (event) => key(event, i, null));
      return [radio, element("label", { title: name }, [radio, name[0].toUpperCase()])];
    });
    radios[i] = options.map(([radio]) => radio);
    verdicts[i] = element("span", { className: "tms-told" });
    const parts = [element("span", { textContent: String(i) }), ...options.map(([, label]) => label), verdicts[i]];
    return element("div", { className: "tms-mark", attributes: { role: "radiogroup", "aria-label": `feature ${i}` } }, parts);
  }

  function lay() {
    const { gram, bias } = state;
    const n = gram.length;
    board.style.setProperty("--n", n);
    board.style.setProperty("--widest", `${n <= 8 ? 52 : n <= 12 ? 32 : 24}px`);
    board.classList.toggle("tms-many", n > 8);
    const header = (text, className = "", role = "columnheader") => element("th", { textContent: text, className, attributes: { role } });
    const corner = element("td", { className: "tms-corner", attributes: { role: "columnheader", "aria-label": "feature" } });
    const names = gram.map((_, j) => header(String(j), n > 12 && j % 5 ? "tms-between" : ""));
    cells = gram.map((row, i) => row.map((value, j) => matrixCell(value, i, j, n)));
    const rows = gram.map((_, i) => [
      header(String(i), "", "rowheader"),
      ...cells[i],
      cell(bias[i], n, "tms-bias", { "aria-label": `bias ${written(bias[i])}` }),
    ]);
    const lines = [[corner, ...names, header("b", "tms-bias")], ...rows].map((row) => element("tr", { attributes: { role: "row" } }, row));
    table.replaceChildren(element("tbody", { attributes: { role: "rowgroup" } }, lines));
    [radios, verdicts] = [[], []];
    marks.replaceChildren(...gram.map((_, i) => markRow(i)));
  }

  function take() {
    const before = state;
    state = model.get("state");
    status = [...state.status];
    pairs = pairsOf(state.pairs);
    const isAnother = state.turn !== before.turn;
    if (before.turn && (isAnother || !state.verdict !== !before.verdict)) meansSince = performance.now();
    if (isAnother) {
      const inside = board.contains(document.activeElement);
      lay();
      if (inside) focusCell(0, 0);
    }
    paint();
  }

  const stopPainting = () => (painting = null);
  window.addEventListener("pointerup", stopPainting);
  model.on("change:state", take);
  take();
  return () => {
    window.removeEventListener("pointerup", stopPainting);
    model.off("change:state", take);
  };
}

export default { render };
