// Small pieces of a page: finding, filling and making elements, without losing the focus.

export const get = (id) => document.getElementById(id);
export const click = (id, call) => get(id).addEventListener("click", call);

export function fill(place, items, make) { place.replaceChildren(...items.map(make)); }

// Fills a list. The focus stays on the same button; where that is gone, on its line, else the next one, else `otherwise`.
export function fillList(place, items, make, otherwise) {
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const at = focused && [...place.children].indexOf(focused.closest("li"));
  fill(place, items, make);
  if (!focused) return;
  const same = focused.dataset.key && place.querySelector(`[data-key="${CSS.escape(focused.dataset.key)}"]:enabled`);
  const line = place.children[Math.min(at, place.children.length - 1)];
  if (line) line.tabIndex = -1;
  (same || line || otherwise).focus({ preventScroll: true });
}

export function make(tag, text = "", values = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [key, value] of Object.entries(values)) made[key] = value;
  return made;
}

let unfocused = null;

// A button that is disabled loses the focus; it gets it back, unless the user went on.
export function disable(id, isDisabled) {
  const button = get(id);
  if (isDisabled && button === document.activeElement) unfocused = button;
  button.disabled = isDisabled;
  if (!isDisabled && button === unfocused) {
    unfocused = null;
    if (document.activeElement === document.body) button.focus({ preventScroll: true });
  }
}

export function showError(id, text) { get(id).textContent = text || ""; get(id).hidden = !text; }

export function wait(id, text, share) {
  const place = get(id), bar = place.querySelector("progress");
  place.hidden = !text;
  place.querySelector("span").textContent = text || "";
  if (share == null) bar.removeAttribute("value"); else bar.value = share;
}

export function warnings(id, items) {
  fill(get(id), items, (each) => {
    const item = make("li");
    if (each.heading) item.append(make("strong", `${each.heading} `));
    item.append(each.message ?? each);
    return item;
  });
}
