// Draws the regions of a camera on its picture: corners in shares of width and height, kept in the form's hidden fields.
"use strict";
(() => {
  const form = document.querySelector("[data-region]");
  if (!form) return;
  const svg = form.querySelector("svg"), NS = svg.namespaceURI, STEP = 0.01, MOST = 32;
  const fields = Object.fromEntries([...form.querySelectorAll("[data-of]")].map((field) => [field.dataset.of, field]));
  const shapes = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, JSON.parse(field.value)]));
  const buttons = [...form.querySelectorAll("[data-shape]")];
  let chosen = "floor", dragged = null;

  const made = (name, attributes) => {
    const element = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const kept = (share) => Math.round(Math.min(1, Math.max(0, share)) * 1000) / 1000;

  function draw(focused = null) {
    svg.replaceChildren();
    for (const [name, corners] of Object.entries(shapes)) {
      const points = corners.map(([x, y]) => `${x * 1000},${y * 1000}`).join(" ");
      svg.append(made(corners.length > 2 ? "polygon" : "polyline", { points, class: `shape ${name}${name === chosen ? " chosen" : ""}` }));
    }
    const box = svg.getBoundingClientRect(), round = box.height ? box.width / box.height : 1;
    shapes[chosen].forEach(([x, y], number) => {
      const corner = made("ellipse", { cx: x * 1000, cy: y * 1000, rx: 16, ry: 16 * round, class: "corner", tabindex: 0, role: "button", "aria-label": `${svg.dataset.corner} ${number + 1}: ${Math.round(x * 100)} %, ${Math.round(y * 100)} %` });
      corner.dataset.number = number;
      svg.append(corner);
      if (number === focused) corner.focus();
    });
    for (const name of Object.keys(shapes)) fields[name].value = JSON.stringify(shapes[name]);
  }
  function place(event) {
    const box = svg.getBoundingClientRect();
    return [kept((event.clientX - box.left) / box.width), kept((event.clientY - box.top) / box.height)];
  }
  svg.addEventListener("pointerdown", (event) => {
    const number = event.target.dataset.number;
    if (number === undefined) {
      if (shapes[chosen].length >= MOST) return;
      shapes[chosen].push(place(event));
      dragged = shapes[chosen].length - 1;
    } else dragged = Number(number);
    svg.setPointerCapture(event.pointerId);
    event.preventDefault();
    draw(dragged);
  });
  svg.addEventListener("pointermove", (event) => {
    if (dragged === null) return;
    shapes[chosen][dragged] = place(event);
    draw(dragged);
  });
  for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => { dragged = null; });
  svg.addEventListener("keydown", (event) => {
    const number = Number(event.target.dataset.number), moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    if (Number.isNaN(number)) return;
    if (event.key === "Delete" || event.key === "Backspace") shapes[chosen].splice(number, 1);
    else if (event.key in moves) shapes[chosen][number] = shapes[chosen][number].map((share, axis) => kept(share + moves[event.key][axis]));
    else return;
    event.preventDefault();
    draw(Math.min(number, shapes[chosen].length - 1));
  });
  for (const button of buttons)
    button.addEventListener("click", () => {
      chosen = button.dataset.shape;
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      draw();
    });
  form.querySelector("[data-add]").addEventListener("click", () => {
    if (shapes[chosen].length < MOST) shapes[chosen].push([0.5, 0.5]);
    draw(shapes[chosen].length - 1);
  });
  form.querySelector("[data-undo]").addEventListener("click", () => { shapes[chosen].pop(); draw(); });
  form.querySelector("[data-clear]").addEventListener("click", () => { shapes[chosen] = []; draw(); });
  new ResizeObserver(() => draw()).observe(svg);
})();
