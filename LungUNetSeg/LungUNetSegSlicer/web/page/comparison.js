// The comparison with a reference: scores, the curve of the slices, differences, and its report.

import { click, disable, fill, get, make, warnings } from "./dom.js";
import { plot } from "./plot.js";
import { download } from "./result.js";

let comparisonSeen = "";

export function showComparison(state, isUploading, send) {
  get("compare-own").hidden = !state.has_reference;
  for (const id of ["compare-own", "pick-reference"]) disable(id, Boolean(state.busy.compare || isUploading));
  const { comparison } = state;
  get("comparison").hidden = !comparison;
  const seen = JSON.stringify(comparison);
  if (!comparison || seen === comparisonSeen) return;
  comparisonSeen = seen;
  get("reference-name").textContent = comparison.reference;
  const head = make("tr");
  head.append(make("th", "Score", { scope: "col" }), ...comparison.columns.map((text) => make("th", text, { scope: "col" })));
  get("scores").tHead.replaceChildren(head);
  fill(get("scores").tBodies[0], comparison.rows, (row) => {
    const line = make("tr");
    line.append(make("th", row.title, { scope: "row" }), ...row.values.map((text) => make("td", text)));
    return line;
  });
  plot(get("plot"), comparison.curves, (index) => send("compared_slice", { index }));
  fill(get("difference-colours"), comparison.colours, (each) => {
    const item = make("li"), dot = make("span", "", { className: "dot" });
    dot.style.background = each.colour;
    item.append(dot, each.name);
    return item;
  });
  get("disagreements-part").hidden = !comparison.disagreements.length;
  fill(get("disagreements").tBodies[0], comparison.disagreements, (each) => {
    const line = make("tr"), place = make("th", "", { scope: "row" });
    place.append(make("button", each.title, { type: "button", onclick: () => send("jump", { ras: each.ras }) }));
    line.append(place, ...each.values.map((text) => make("td", text)));
    return line;
  });
  warnings("compare-warnings", comparison.warnings);
}

click("compare-report", () => download("comparison.html", "compare-error"));
