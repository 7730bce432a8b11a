// The picture, the sentence that says what it shows, an error if there is one, and the code that reproduces it.

function render({ model, el }) {
  const [width, height, scale] = model.get("size");
  const add = (tag, className, attributes = {}) => {
    const node = document.createElement(tag);
    node.className = className;
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    el.append(node);
    return node;
  };
  el.classList.add("tms-stage");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", model.get("title"));
  const canvas = add("canvas", "tms-picture", { role: "img", width: width * scale, height: height * scale });
  canvas.style.width = `${width}px`;
  const error = add("p", "tms-error", { role: "alert" });
  const sentence = add("p", "tms-sentence", { role: "status", "aria-live": "polite" });
  const code = add("pre", "tms-code", { "aria-label": "code that reproduces this picture" });
  const context = canvas.getContext("2d", { alpha: false });
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);

  let asked = 0;
  let painted = 0;
  const paint = async () => {
    const turn = ++asked;
    const bitmap = await createImageBitmap(new Blob([model.get("picture")], { type: "image/png" }));
    if (turn > painted) {
      painted = turn; // pictures may finish decoding out of order: an older one must not cover a newer one
      context.drawImage(bitmap, 0, 0);
      el.dataset.pictures = painted;
    }
    bitmap.close();
  };
  // Whoever hears the page is told once, at rest: writing the same words again would repeat them.
  const write = (node, text, again = false) => {
    if (again || node.textContent !== text) node.textContent = text;
  };
  const tell = () => {
    const [before, busy] = [el.dataset.busy, String(model.get("busy"))];
    sentence.setAttribute("aria-busy", busy);
    el.dataset.busy = busy;
    write(sentence, model.get("sentence"), before === "true" && busy === "false");
    canvas.setAttribute("aria-label", model.get("sentence"));
    write(code, model.get("code"));
    write(error, model.get("error"));
  };

  const words = "change:busy change:sentence change:code change:error";
  model.on("change:picture", paint);
  model.on(words, tell);
  tell();
  if (model.get("picture").byteLength) paint();
  return () => {
    model.off("change:picture", paint);
    model.off(words, tell);
  };
}

export default { render };
