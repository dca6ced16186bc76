// The page: shows the state that the server sends, and sends what the user does.

import { Announcer } from "./announcer.js";
import { Connection } from "./connection.js";
import { plot } from "./plot.js";
import { dropped, upload } from "./upload.js";
import { Views } from "./views.js";

const get = (id) => document.getElementById(id);
const click = (id, call) => get(id).addEventListener("click", call);
let state = null, offersSeen = "", scansSeen = "", resultSeen = "", comparisonSeen = "", uploading = null, uploadError = "", reference = false;

const STARTING = "The server starts a viewer for you …", PATIENCE_MS = 1000;
let starting = 0, isReady;
const ready = new Promise((resolve) => { isReady = resolve; });  // of the first state; files may come before it

const connection = new Connection({
  opened: () => { tell(""); uncover(); starting = setTimeout(() => tell(STARTING), PATIENCE_MS); views?.saySizes(); },
  picture: (message) => views.draw(message),
  message: (message) => {
    if (message.state) show(message.state);
    if (message.told) tell(message.told);
    if (message.state && get("banner").textContent === STARTING) tell("");
    clearTimeout(starting);
  },
  broken: () => tell("The connection to the server is lost. Trying again …"),
  elsewhere: () => cover("This session is open in another tab of this browser.", "Use it here", () => connection.open("&take=1")),
  ended: (reason) => cover(reason, "Start again", () => location.reload()),
});
const send = (action, values) => connection.send(action, values);
const views = new Views(get("grid"), send, () => get("tool").value);

const announcer = new Announcer(get("said"));

let covered = null;  // what had the focus

function cover(text, label, call) {
  covered = document.activeElement;
  get("over-text").textContent = text;
  get("over-button").textContent = label;
  get("over-button").onclick = () => { uncover(); call(); };
  get("over").hidden = false;
  for (const place of document.querySelectorAll(".skip, header, #work")) place.inert = true;  // the keyboard stays in front
  get("over-button").focus();
}

function uncover() {
  get("over").hidden = true;
  for (const place of document.querySelectorAll("[inert]")) place.inert = false;
  covered?.focus({ preventScroll: true });
  covered = null;
}

function tell(text) { clearTimeout(starting); get("banner").textContent = text; get("banner").hidden = !text; }

// Small pieces.

function fill(place, items, make) { place.replaceChildren(...items.map(make)); }

// Fills a list. The focus stays on the same button; where that is gone, on its line, else the next one, else `otherwise`.
function fillList(place, items, make, otherwise) {
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const at = focused && [...place.children].indexOf(focused.closest("li"));
  fill(place, items, make);
  if (!focused) return;
  const same = focused.dataset.key && place.querySelector(`[data-key="${CSS.escape(focused.dataset.key)}"]:enabled`);
  const line = place.children[Math.min(at, place.children.length - 1)];
  if (line) line.tabIndex = -1;
  (same || line || otherwise).focus({ preventScroll: true });
}

function make(tag, text = "", values = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [key, value] of Object.entries(values)) made[key] = value;
  return made;
}

let unfocused = null;

// A button that is disabled loses the focus; it gets it back, unless the user went on.
function disable(id, isDisabled) {
  const button = get(id);
  if (isDisabled && button === document.activeElement) unfocused = button;
  button.disabled = isDisabled;
  if (!isDisabled && button === unfocused) {
    unfocused = null;
    if (document.activeElement === document.body) button.focus({ preventScroll: true });
  }
}

function showError(id, text) { get(id).textContent = text || ""; get(id).hidden = !text; }

function wait(id, text, share) {
  const place = get(id), bar = place.querySelector("progress");
  place.hidden = !text;
  place.querySelector("span").textContent = text || "";
  if (share == null) bar.removeAttribute("value"); else bar.value = share;
}

function warnings(id, items) {
  fill(get(id), items, (each) => {
    const item = make("li");
    if (each.heading) item.append(make("strong", `${each.heading} `));
    item.append(each.message ?? each);
    return item;
  });
}

// What the server says.

function show(next) {
  state = next;
  const current = state.scans.find((each) => each.number === state.current);
  document.title = current ? `${current.name} – LungUNetSeg` : "LungUNetSeg";
  get("scan-title").textContent = current ? current.name : "";
  get("upload-gb").textContent = state.upload_gb;
  get("open-server").hidden = !state.server_folder;
  const share = uploading?.share;
  const uploadText = uploading && (share < 1 ? `Uploading, ${Math.round(100 * share)} %` : "Uploaded");
  wait("open-wait", reference ? state.busy.open : uploadText || state.busy.open, reference ? null : share);
  wait("compare-wait", (reference && uploadText) || state.busy.compare, reference ? share : null);
  showError("open-error", (!reference && uploadError) || state.errors.open);
  showError("compare-error", (reference && uploadError) || state.errors.compare);
  for (const id of ["open-sample", "open-phantom", "open-server", "pick-folder", "pick-files"]) disable(id, Boolean(state.busy.open || uploading));
  showOffers();
  showScans(current);
  views.show(state.slices, Boolean(state.result));
  showDisplay();
  showLegend();
  showResult(current);
  showComparison();
  announcer.hear(state);
  isReady();
}

function showOffers() {
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

function showScans(current) {
  get("scans-part").hidden = !state.scans.length;
  listScans(current);
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
function listScans(current) {
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

function showDisplay() {
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
  listSegments(colours, isFixed);
  for (const box of get("segments").querySelectorAll("input")) box.checked = !display.hidden.includes(box.dataset.segment);
}

// Makes the boxes anew only when their names or colours change: one that is replaced while it is pressed is lost.
function listSegments(colours, isFixed) {
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

function showLegend() {
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

function showResult(current) {
  get("result-part").hidden = get("compare-part").hidden = !state.result;
  const seen = JSON.stringify([current?.number, state.result]);
  if (!state.result || seen === resultSeen) return;
  resultSeen = seen;
  const { rows, time, methods, doubtful, downloads } = state.result;
  fill(get("result").tBodies[0], rows, (row) => {
    const line = make("tr");
    line.append(...row.map((text, column) => make(column ? "td" : "th", text, column ? {} : { scope: "row" })));
    return line;
  });
  get("time").textContent = time;
  get("methods").textContent = methods;
  get("copied").textContent = "";
  warnings("warnings", state.result.warnings);
  get("doubtful-part").hidden = !doubtful.length;
  fill(get("doubtful"), doubtful, (each) => make("button", each.title, { type: "button", onclick: () => send("jump", { ras: each.ras }) }));
  const chosen = get("format").value;
  fill(get("format"), downloads, (each) => make("option", each.title, { value: each.name }));
  if (downloads.some((each) => each.name === chosen)) get("format").value = chosen;
  showError("download-error", "");
}

function showComparison() {
  get("compare-own").hidden = !state.has_reference;
  for (const id of ["compare-own", "pick-reference"]) disable(id, Boolean(state.busy.compare || uploading));
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

// What the user does.

click("open-sample", () => send("sample"));
click("open-phantom", () => send("phantom"));
click("open-server", () => send("server_folder"));
click("pick-folder", () => get("folder-input").click());
click("pick-files", () => get("files-input").click());
click("pick-reference", () => get("reference-input").click());
for (const [id, kind] of [["folder-input", "scan"], ["files-input", "scan"], ["reference-input", "reference"]])
  get(id).addEventListener("change", () => { take([...get(id).files], kind); get(id).value = ""; });

async function take(files, kind) {
  await ready;
  if (uploading || state.busy.open) return refuse("One at a time: give it again when the scan before it is open.", kind);
  if (!files.length) return refuse("There is no file in it. Give a scan's files, its folder, or a zip archive.", kind);
  reference = kind === "reference";
  uploading = { share: 0 };
  uploadError = "";
  show(state);
  const failure = await upload(files, reference ? { kind, scan: state.current } : { kind }, (share) => { uploading.share = share; show(state); });
  uploading = null;
  uploadError = failure || uploadError;  // what was refused meanwhile stays told
  show(state);
}

function refuse(text, kind) {
  if (!uploading) reference = kind === "reference";
  uploadError = text;
  show(state);
}

const drop = get("drop");
document.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const gathered = dropped(event.dataTransfer);
  await ready;
  try { take(await gathered, "scan"); } catch { refuse("What you dropped cannot be read. Is it still there, and may you read it?", "scan"); }
});

click("segment", () => send("segment", { number: state.current }));
click("segment-all", () => send("segment", { all: true }));
click("compare-own", () => send("compare"));
click("fit", () => send("fit"));
get("patient-shown").addEventListener("change", (event) => send("patient", { shown: event.target.checked }));
for (const id of ["window", "shown"]) get(id).addEventListener("change", (event) => send("display", { key: id, value: event.target.value }));
get("density").addEventListener("change", (event) => send("density", { shown: event.target.checked }));
for (const id of ["fill", "outline", "crosshair"]) get(id).addEventListener("change", (event) => send("display", { key: id, value: event.target.checked }));
get("opacity").addEventListener("input", (event) => send("display", { key: "opacity", value: +event.target.value }));

click("copy", async () => {
  const text = get("methods").textContent;
  try { await navigator.clipboard.writeText(text); get("copied").textContent = "Copied."; } catch {
    getSelection().selectAllChildren(get("methods"));  // a page without TLS may not write to the clipboard
    get("copied").textContent = "Selected; press Ctrl+C.";
  }
});

click("download", () => download(get("format").value, "download-error"));
click("compare-report", () => download("comparison.html", "compare-error"));

async function download(name, errorPlace) {
  disable("download", true);
  wait("download-wait", "Writing the file");
  showError(errorPlace, "");
  try {
    const answer = await fetch(`download/${encodeURIComponent(name)}`);
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || "The file could not be made. Try again.");
    const file = /filename="([^"]*)"/.exec(answer.headers.get("Content-Disposition"))?.[1] || name;
    const link = make("a", "", { href: URL.createObjectURL(await answer.blob()), download: file });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) { showError(errorPlace, error instanceof TypeError ? "The connection broke off. Try again." : error.message); }
  disable("download", false);
  wait("download-wait", "");
}

// Light or dark: the system's choice, until the user makes one.

function isDark() { return (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark"; }
function showTheme() { get("theme").textContent = isDark() ? "Light" : "Dark"; get("theme").setAttribute("aria-label", `Use ${isDark() ? "light" : "dark"} colours`); }
if (localStorage.getItem("theme")) document.documentElement.dataset.theme = localStorage.getItem("theme");
showTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
click("theme", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  localStorage.setItem("theme", document.documentElement.dataset.theme);
  showTheme();
});
