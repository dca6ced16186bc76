// How scan and lungs are shown: window, outlines, colours, and the legend of the map of local density.

import { click, fill, get, make, showError, wait } from "./dom.js";

export function showDisplay(state, send) {
  const { display, result, comparison } = state;
  get("window").value = display.window;
  get("window-text").textContent = display.window_text;
  get("crosshair").checked = display.crosshair;
  get("lung-tools").hidden = !result;
  if (!result) return;
  if (document.activeElement !== get("opacity")) get("opacity").value = display.opacity;
  get("fill").checked = display.fill;
  get("density").checked = display.density;
  // Other colours lie in the fill's place; those of differences are as in the report.
  get("fill").disabled = Boolean(display.legend);
  const isFixed = display.shown === "differences";
  get("opacity").disabled = get("outline").disabled = isFixed;
  get("outline").checked = display.outline;
  get("shown-choice").hidden = !comparison;
  get("shown").value = display.shown;
  const colours = isFixed ? comparison.colours : result.segments;
  listSegments(colours, isFixed, send);
  for (const box of get("segments").querySelectorAll("input")) box.checked = !display.hidden.includes(box.dataset.segment);
}

// Makes the boxes anew only when their names or colours change: one that is replaced while it is pressed is lost.
function listSegments(colours, isFixed, send) {
  const seen = JSON.stringify(colours);
  if (get("segments").dataset.seen === seen) return;
  get("segments").dataset.seen = seen;
  fill(get("segments"), colours, (each) => {
    const label = make(isFixed ? "span" : "label"), dot = make("span", "", { className: "dot" });
    dot.style.background = each.colour;
    if (isFixed) {
      label.append(dot, each.name);
      return label;
    }
    const box = make("input", "", { type: "checkbox" });
    box.dataset.segment = each.id;
    box.onchange = () => send("display", { key: "segment", value: { id: each.id, shown: box.checked } });
    label.append(box, dot, each.name);
    return label;
  });
}

export function showLegend(state) {
  const { display: { legend }, busy, errors } = state;
  get("legend-part").hidden = !(legend || busy.density || errors.density);
  wait("density-wait", busy.density);
  showError("density-error", errors.density);
  get("legend").hidden = !legend;
  if (!legend || get("legend-text").textContent === legend.text) return;
  const { text, points } = legend, place = (each) => `${100 * each.place}%`;
  get("legend-ramp").style.background = `linear-gradient(to right, ${points.map((each) => `${each.colour} ${place(each)}`)})`;
  fill(get("legend-values"), points, (each) => { const item = make("li", each.value); item.style.left = place(each); return item; });
  get("legend-text").textContent = text;
}

export function listenToDisplay(send) {
  for (const id of ["window", "shown"]) get(id).addEventListener("change", (event) => send("display", { key: id, value: event.target.value }));
  for (const id of ["fill", "outline", "crosshair"]) get(id).addEventListener("change", (event) => send("display", { key: id, value: event.target.checked }));
  get("density").addEventListener("change", (event) => send("density", { shown: event.target.checked }));
  get("opacity").addEventListener("input", (event) => send("display", { key: "opacity", value: +event.target.value }));
  click("fit", () => send("fit"));
}
