// The page: shows the state that the server sends, and sends what the user does.

import { Announcer } from "./announcer.js";
import { showComparison } from "./comparison.js";
import { Connection } from "./connection.js";
import { listenToDisplay, showDisplay, showLegend } from "./display.js";
import { click, disable, get, showError, wait } from "./dom.js";
import { showResult } from "./result.js";
import { showOffers, showScans } from "./scans.js";
import "./theme.js";
import { dropped, upload } from "./upload.js";
import { Views } from "./views.js";

let state = null, uploading = null, uploadError = "", reference = false;

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
  showOffers(state, send);
  showScans(state, current, send);
  views.show(state.slices, Boolean(state.result));
  showDisplay(state, send);
  showLegend(state);
  showResult(state, current, send);
  showComparison(state, Boolean(uploading), send);
  announcer.hear(state);
  isReady();
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
get("patient-shown").addEventListener("change", (event) => send("patient", { shown: event.target.checked }));
listenToDisplay(send);
