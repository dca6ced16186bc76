// The four views: they draw the server's pictures, and say what mouse, finger and keyboard ask for.

const VIEWS = [
  { name: "axial", title: "Axial", colour: "#F34A33", sides: { l: "R", r: "L", t: "A", b: "P" } },
  { name: "coronal", title: "Coronal", colour: "#6EB04B", sides: { l: "R", r: "L", t: "S", b: "I" } },
  { name: "sagittal", title: "Sagittal", colour: "#EDD54C", sides: { l: "A", r: "P", t: "S", b: "I" } },
  { name: "volume", title: "3D", colour: "#7474D2", sides: {} },
];
const PLACES = ["axial", "volume", "coronal", "sagittal"];  // as in Slicer's four-up layout
const PIXELS_A_SLICE = 6;
const CLICK_PIXELS = 4;
const SLIDING_MS = 500;
const KEYS = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10, Home: -1e6, End: 1e6 };
const ARROWS = { ArrowUp: [0, -20], ArrowRight: [20, 0], ArrowDown: [0, 20], ArrowLeft: [-20, 0] };

export class Views {
  constructor(grid, send, tool) {
    this.grid = grid;
    this.send = send;
    this.tool = tool;
    this.views = VIEWS.map((each) => this.make(each));
    for (const name of PLACES) grid.append(this.views.find((each) => each.name === name).box);
    this.observer = new ResizeObserver(() => this.saySizes());
    this.views.forEach((each) => this.observer.observe(each.canvas));
    grid.addEventListener("keydown", (event) => {
      if (event.key === "Escape") grid.querySelector(".large [aria-pressed=true]")?.click();
    });
  }

  make(view) {
    const box = document.createElement("div");
    box.className = "view";
    box.style.setProperty("--view", view.colour);
    const isSlice = view.name !== "volume";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", `${view.title} view`);
    box.innerHTML = `<div class="head"><h2>${view.title}</h2>`
      + (isSlice ? `<input type="range" min="0" max="0" value="0" aria-label="${view.title} slice"><span class="at"></span>` : '<span class="grow"></span>')
      + `<button type="button" aria-pressed="false" aria-label="Only the ${view.title} view" title="Only this view">⤢</button></div>`
      + `<div class="stage"><canvas tabindex="0" role="img" aria-label="${view.title} picture"></canvas></div>`;
    const canvas = box.querySelector("canvas"), stage = box.querySelector(".stage");
    for (const [side, letter] of Object.entries(view.sides)) {
      const mark = document.createElement("span");
      mark.className = `side ${side}`;
      mark.textContent = letter;
      mark.setAttribute("aria-hidden", "true");
      stage.append(mark);
    }
    if (!isSlice) stage.insertAdjacentHTML("beforeend", '<p class="hint">The lungs appear here when they are segmented.</p>');
    const made = { ...view, isSlice, box, canvas, slider: box.querySelector("input"), at: box.querySelector(".at") };
    if (isSlice) made.slider.addEventListener("input", () => {
      made.slid = performance.now();
      this.send("slice", { view: view.name, index: +made.slider.value });
    });
    box.querySelector("button").addEventListener("click", (event) => this.enlarge(made, event.currentTarget));
    this.listen(made);
    return made;
  }

  enlarge(view, button) {
    const isLarge = this.grid.classList.toggle("one");
    this.views.forEach((each) => each.box.classList.toggle("large", isLarge && each === view));
    button.setAttribute("aria-pressed", isLarge);
  }

  saySizes() {
    const ratio = Math.min(window.devicePixelRatio || 1, 1.5);
    for (const { name, canvas } of this.views) {
      const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
      if (width && height) this.send("size", { view: name, width, height });
    }
  }

  listen(view) {
    const { canvas } = view;
    const fingers = new Map();
    let moved = 0, rest = 0, spread = 0, tool = "";
    // Movements are put together and sent once a frame.
    let pending = null;
    const later = (values) => {
      if (pending && pending.tool === values.tool) { pending.dx += values.dx; pending.dy += values.dy; return; }
      pending = values;
      requestAnimationFrame(() => { this.move(view, pending); pending = null; });
    };
    const scroll = (by) => {
      rest += by;
      const whole = Math.trunc(rest);
      rest -= whole;
      if (whole) this.send("scroll", { view: view.name, by: whole });
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      moved = 0; rest = 0; spread = 0;
      tool = event.button === 2 ? "zoom" : event.button === 1 ? "pan" : event.shiftKey ? "pan" : this.tool();
      if (event.button === 1) event.preventDefault();
      canvas.focus({ preventScroll: true });
    });
    canvas.addEventListener("pointermove", (event) => {
      const last = fingers.get(event.pointerId);
      if (!last) return;
      const dx = event.clientX - last[0], dy = event.clientY - last[1];
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      moved += Math.abs(dx) + Math.abs(dy);
      if (fingers.size === 2) {
        const [[x, y], [u, v]] = [...fingers.values()];
        const wide = Math.hypot(x - u, y - v);
        if (spread) later({ tool: "zoom", dx: 0, dy: spread - wide });
        spread = wide;
      } else if (view.isSlice && tool === "scroll") scroll(-dy / PIXELS_A_SLICE);
      else later({ tool, dx, dy });
    });
    const end = (event) => {
      if (fingers.delete(event.pointerId) && moved < CLICK_PIXELS && view.isSlice && event.type === "pointerup" && event.button === 0) {
        const place = canvas.getBoundingClientRect();
        this.send("point", { view: view.name, x: (event.clientX - place.left) / place.width, y: (event.clientY - place.top) / place.height });
      }
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (event.ctrlKey || !view.isSlice) later({ tool: "zoom", dx: 0, dy: Math.sign(event.deltaY) * 20 });
      else this.send("scroll", { view: view.name, by: event.deltaY < 0 ? 1 : -1 });
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      if (event.key === "+" || event.key === "-") this.move(view, { tool: "zoom", dx: 0, dy: event.key === "+" ? -30 : 30 });
      else if (ARROWS[event.key] && (!view.isSlice || this.tool() !== "scroll")) {
        const [dx, dy] = ARROWS[event.key];
        this.move(view, { tool: this.tool(), dx, dy });
      } else if (KEYS[event.key] && view.isSlice) this.send("scroll", { view: view.name, by: KEYS[event.key] });
      else return;
      event.preventDefault();
    });
  }

  move(view, { tool, dx, dy }) {
    const ratio = view.canvas.width / Math.max(1, view.canvas.clientWidth);
    const scale = tool === "window" || tool === "zoom" ? 1 : ratio;
    this.send("drag", { view: view.name, tool, dx: dx * scale, dy: dy * scale });
  }

  // Pictures are decoded beside each other: one that is ready after a newer one is not drawn.
  async draw(message) {
    const bytes = new Uint8Array(message), number = bytes[0], view = this.views[number], { canvas } = view;
    const turn = view.received = (view.received || 0) + 1;
    const picture = await createImageBitmap(new Blob([bytes.subarray(1)], { type: "image/jpeg" }));
    if (turn > (view.drawn || 0)) {
      view.drawn = turn;
      if (canvas.width !== picture.width || canvas.height !== picture.height) {
        canvas.width = picture.width;
        canvas.height = picture.height;
      }
      canvas.getContext("2d").drawImage(picture, 0, 0);
      canvas.dataset.drawn = +(canvas.dataset.drawn || 0) + 1;
    }
    picture.close();
    this.send("seen", { view: number });
  }

  show(slices, hasLungs) {
    this.grid.querySelector(".hint").hidden = hasLungs;
    for (const view of this.views.filter((each) => each.isSlice)) {
      const { index, count } = slices[view.name];
      view.slider.max = count - 1;
      // While it is being moved, the server's answers lag behind it.
      const isSliding = performance.now() - (view.slid || -SLIDING_MS) < SLIDING_MS;
      if (!isSliding || Math.abs(view.slider.value - index) > 3) view.slider.value = index;
      view.at.textContent = count > 1 ? `${index + 1} of ${count}` : "";
      view.slider.setAttribute("aria-valuetext", view.at.textContent);
      view.canvas.setAttribute("aria-label", `${view.title} slice ${view.at.textContent}`);
    }
  }
}
