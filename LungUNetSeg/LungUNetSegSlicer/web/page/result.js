// The lungs' numbers, their warnings, and their download.

import { click, disable, fill, get, make, showError, wait, warnings } from "./dom.js";

let resultSeen = "";

export function showResult(state, current, send) {
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

click("copy", async () => {
  const text = get("methods").textContent;
  try { await navigator.clipboard.writeText(text); get("copied").textContent = "Copied."; } catch {
    getSelection().selectAllChildren(get("methods"));  // a page without TLS may not write to the clipboard
    get("copied").textContent = "Selected; press Ctrl+C.";
  }
});

click("download", () => download(get("format").value, "download-error"));

export async function download(name, errorPlace) {
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
