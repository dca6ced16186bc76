// The scans: those that were found and can be opened, those that are open, and what is known of the shown one.

import { disable, fill, fillList, get, make, warnings } from "./dom.js";

let offersSeen = "", scansSeen = "";

export function showOffers(state, send) {
  const seen = JSON.stringify([state.offers, state.more_offers, state.busy.open]);
  if (seen === offersSeen) return;
  offersSeen = seen;
  get("more-offers").textContent = state.more_offers ? `${state.more_offers} more are not listed. Give a folder with fewer scans.` : "";
  fillList(get("offers"), state.offers.length > 1 ? state.offers : [], (each, index) => {
    const item = make("li");
    const button = make("button", "Open", { type: "button", disabled: Boolean(state.busy.open), onclick: () => send("open", { index }) });
    button.setAttribute("aria-label", `Open ${each.title}`);
    if (!index) button.className = "main";
    item.append(make("strong", each.title), button, make("span", `${each.reason} ${each.detail}.`, { className: "quiet" }));
    return item;
  }, get("pick-folder"));
}

const STATUS = { open: "", waiting: "waiting", running: "", done: "segmented", failed: "failed", cancelled: "cancelled" };

const isBusy = (scan) => scan.status === "running" || scan.status === "waiting";

export function showScans(state, current, send) {
  get("scans-part").hidden = !state.scans.length;
  listScans(state, current, send);
  for (const [index, row] of [...get("scans").children].entries()) {
    const bar = row.querySelector("progress"), { share, stage } = state.scans[index];
    if (!bar) continue;
    if (share != null) bar.value = share; else bar.removeAttribute("value");
    row.querySelector(".stage").textContent = stage;
  }
  const facts = [...state.facts, ...(state.patient || [])];
  fill(get("facts"), facts.flatMap(([title, value]) => [make("dt", title), make("dd", value)]), (each) => each);
  get("patient-choice").hidden = !state.has_patient;
  get("patient-shown").checked = Boolean(state.patient);
  warnings("scan-warnings", state.scan_warnings);
  disable("segment", !current || isBusy(current));
  get("segment").textContent = state.result ? "Segment again" : "Segment lungs";
  get("segment-all").hidden = state.scans.filter((each) => each.status === "open").length < 2;
}

// Makes the rows anew only when more than the progress has changed: a button that is replaced while it is pressed is lost.
function listScans(state, current, send) {
  const seen = JSON.stringify([state.current, state.scans.map(({ share, stage, ...rest }) => ({ ...rest, status: isBusy(rest) || rest.status }))]);
  if (seen === scansSeen) return;
  scansSeen = seen;
  fillList(get("scans"), state.scans, (each) => {
    const item = make("li"), buttons = make("span");
    if (each === current) item.setAttribute("aria-current", "true");
    const { number } = each;
    const button = (text, label, call) => {
      // The second click of a double click would hit what the answer to the first one has put in its place.
      const made = make("button", text, { type: "button", onclick: (event) => event.detail < 2 && call() });
      made.setAttribute("aria-label", `${label} ${each.name}`);
      made.dataset.key = `${label} ${number}`;
      buttons.append(made, " ");
    };
    if (each !== current) button("Show", "Show", () => send("show", { number }));
    if (isBusy(each)) button("Cancel", "Cancel the segmentation of", () => send("cancel", { number }));
    else button("Close", "Close", () => send("close", { number }));
    item.append(make("strong", each.name), buttons);
    if (isBusy(each)) {
      const row = make("div", "", { className: "wait" }), bar = make("progress", "", { max: 1 });
      bar.setAttribute("aria-label", "Segmentation");
      row.append(bar, make("span", "", { className: "stage" }));
      item.append(row);
    } else if (STATUS[each.status]) item.append(make("span", STATUS[each.status], { className: "quiet" }));
    if (each.message) {
      const error = make("p", each.message, { className: "error" });
      error.setAttribute("role", "alert");
      item.append(error);
    }
    return item;
  }, get("pick-folder"));
}
