// Native form controls for the values of a widget: labelled, reachable by keyboard, one message in flight at a time.

function element(tag, properties = {}, children = []) {
  const node = Object.assign(document.createElement(tag), properties);
  node.dataset.lmSuppressShortcuts = "true"; // else JupyterLab takes the arrow keys and the space bar
  node.append(...children);
  return node;
}

// What stands in brackets goes below, so that all sliders are of one length.
const parts = (text) => text.split(/(?= \()/);

function slider(spec) {
  const input = element("input", { type: "range", min: 0, max: spec.options.length - 1, step: 1 });
  // Hidden from screen readers, to whom the slider itself says it.
  const [value, note] = [element("span"), element("span", { className: "tms-note" })];
  const readout = element("span", { className: "tms-readout", ariaHidden: "true" }, [value, note]);
  return {
    input,
    parts: [input, readout],
    read: () => spec.options[input.valueAsNumber],
    write: (option) => {
      const index = spec.options.indexOf(option);
      input.value = index;
      [value.textContent, note.textContent] = [...parts(spec.texts[index]), ""];
      input.setAttribute("aria-valuetext", spec.texts[index]);
    },
  };
}

function choice(spec) {
  const options = spec.texts.map((text, index) => element("option", { value: index, textContent: text }));
  const input = element("select", {}, options);
  return {
    input,
    parts: [input],
    read: () => spec.options[input.selectedIndex],
    write: (value) => (input.selectedIndex = spec.options.indexOf(value)),
  };
}

function toggle() {
  const input = element("input", { type: "checkbox" });
  return { input, parts: [input], read: () => input.checked, write: (value) => (input.checked = value) };
}

const kinds = { slider, choice, switch: toggle };

function render({ model, el }) {
  el.classList.add("tms-controls");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", `${model.get("title")}: controls`);
  const fields = {};
  const sliders = model.get("spec").filter((spec) => spec.kind === "slider");
  const longest = Math.max(0, ...sliders.flatMap((spec) => spec.texts.map((text) => parts(text)[0].length)));
  el.style.setProperty("--readout", `${longest}ch`);

  const boxes = model.get("spec").map((spec) => {
    const id = `tms-${spec.name}-${Math.random().toString(36).slice(2)}`;
    const field = (fields[spec.name] = kinds[spec.kind](spec));
    field.input.id = id;
    field.input.name = spec.name;
    field.input.addEventListener("input", () => {
      field.write(field.read());
      model.set("values", { ...model.get("values"), [spec.name]: field.read() });
      model.save_changes();
    });
    const label = element("label", { htmlFor: id, textContent: spec.label });
    return element("div", { className: "tms-field" }, [label, ...field.parts]);
  });

  const rows = model.get("buttons").map(([name, buttons]) => {
    const row = buttons.map(([label, action]) => {
      const button = element("button", { type: "button", textContent: label });
      button.addEventListener("click", () => model.send({ action }));
      return button;
    });
    const heading = name ? [element("span", { textContent: name })] : [];
    return element("div", { className: "tms-buttons" }, [...heading, ...row]);
  });

  el.append(element("div", { className: "tms-fields" }, boxes), element("div", { className: "tms-rows" }, rows));
  const show = () => {
    for (const [name, value] of Object.entries(model.get("values"))) fields[name].write(value);
  };
  model.on("change:values", show);
  show();
  return () => model.off("change:values", show);
}

export default { render };
