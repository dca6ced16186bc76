"""Style and script of a batch's page."""

from __future__ import annotations

STYLE = """
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e4e9ed; --soft: #a3b0bb; --line: #3a454e; --wash: #20282e; --bad: #ff8a80; --accent: #6cc3e0;
    --paper: #14191d; --failed: #401f1d; --doubt: #e0a030; color-scheme: dark; }
}
body { max-width: 1500px; }
.tools input, .tools select { padding: 7px 10px; font: inherit; border: 1px solid var(--soft); border-radius: 6px;
  color: inherit; background: var(--paper); }
.tools input { width: min(480px, 60%); } .tools input::placeholder { color: var(--soft); opacity: 1; }
.wide { overflow-x: auto; } #scans th { cursor: pointer; user-select: none; background: var(--paper); }
#scans th[aria-sort=ascending]::after { content: " \\2191"; }
#scans th[aria-sort=descending]::after { content: " \\2193"; }
#scans td:first-child, #scans td.text { text-align: left; white-space: normal; overflow-wrap: normal; }
#scans td:first-child, #scans td.text:last-child { overflow-wrap: anywhere; }
#scans td:first-child { min-width: 170px; } #scans td:first-child, #scans td.text { max-width: 230px; }
#scans th.text { text-align: left; }
#scans td.text:last-child { max-width: none; min-width: 190px; } #scans td, #scans th { padding: 6px 8px; }
#scans td.picture { width: 200px; padding: 4px; } #scans tbody tr { cursor: pointer; }
#scans td.picture img { display: block; width: 196px; height: 62px; object-fit: contain; background: #000; }
#scans tr.failed td { background: var(--failed); }
#scans tr.doubtful td:first-child { box-shadow: inset 3px 0 var(--doubt); }
#scans tr.detail td { white-space: normal; text-align: left; background: var(--wash); cursor: default; }
#scans tr.detail td:first-child { max-width: none; }
#scans tr.detail div { position: sticky; left: 10px; max-width: calc(100vw - 90px); overflow-wrap: anywhere; }
#scans tr.detail img { max-width: 100%; display: block; margin: 6px 0; background: #000; }
"""

SCRIPT = """
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const head = document.querySelector('#scans thead'), body = document.querySelector('#scans tbody');
const filter = document.getElementById('filter'), status = document.getElementById('status');
const AT_ONCE = 60;
let shown = data.scans, drawn = 0, sorted = null, rising = true;
for (const scan of data.scans) scan.words = JSON.stringify(scan).toLowerCase();
const element = (tag, text, kind) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
const address = (scan, file) => 'scans/' + encodeURIComponent(scan.name) + '/' + encodeURIComponent(file);
const isDoubtful = scan => scan.status === 'done' && (scan.confidence === null || scan.confidence < data.low);
const cell = (scan, name) => {
  const value = scan[name];
  if (value === null || value === '') return '';
  return typeof value === 'number' ? value.toFixed(name in data.decimals ? data.decimals[name] : 0) : value;
};
const picture = (scan, file, lazy) => {
  const image = element('img');
  if (lazy) image.loading = 'lazy';
  image.src = address(scan, file);
  image.alt = '';
  image.onerror = () => image.remove();
  return image;
};
function row(scan) {
  const line = element('tr', undefined, scan.status === 'failed' ? 'failed' : isDoubtful(scan) ? 'doubtful' : '');
  data.columns.forEach(([name], index) => {
    const text = index === 0 || name === 'remarks' || typeof scan[name] === 'string';
    const made = line.appendChild(element('td', index ? cell(scan, name) : undefined, text ? 'text' : ''));
    if (index === 0) scan.name.split(/(?<=_)/).forEach(word => made.append(word, element('wbr')));
    if (index === 0) {
      const place = element('td', undefined, 'picture');
      if (scan.status === 'done') place.append(picture(scan, 'preview.png', true));
      line.append(place);
    }
  });
  line.onclick = () => toggle(line, scan);
  return line;
}
function toggle(line, scan) {
  if (line.nextSibling && line.nextSibling.className === 'detail') return line.nextSibling.remove();
  const detail = element('tr', undefined, 'detail'), whole = element('td'), place = element('div');
  whole.colSpan = data.columns.length + 1;
  whole.append(place);
  place.append(element('p', scan.identity.join(' \\u00b7 '), 'soft'));
  for (const message of scan.messages) place.append(element('p', message));
  if (scan.status === 'done') {
    place.append(picture(scan, 'preview.png', false));
    place.append(element('p', 'Slices to look at first:', 'soft'), picture(scan, 'doubtful.png', false));
    const links = element('p');
    for (const file of [...scan.files, 'scan.json']) {
      const link = element('a', file);
      link.href = address(scan, file);
      links.append(link, '  ');
    }
    place.append(links);
  }
  detail.append(whole);
  line.after(detail);
}
const watcher = new IntersectionObserver(entries => { if (entries.at(-1).isIntersecting) drawMore(); },
  { rootMargin: '600px' });
function drawMore() {
  const part = document.createDocumentFragment();
  for (const scan of shown.slice(drawn, drawn + AT_ONCE)) part.append(row(scan));
  drawn = Math.min(drawn + AT_ONCE, shown.length);
  body.append(part);
  watcher.disconnect();  // it only tells of changes: if the end is still in view, watching anew tells so again
  if (drawn < shown.length) watcher.observe(document.getElementById('more'));
}
function draw() {
  const words = filter.value.toLowerCase().split(/\\s+/).filter(Boolean), wanted = status.value;
  shown = data.scans.filter(scan => words.every(word => scan.words.includes(word))
    && (!wanted || (wanted === 'doubtful' ? isDoubtful(scan) : scan.status === wanted)));
  if (sorted !== null) {
    const way = rising ? 1 : -1, empty = value => value === null || value === '';
    shown.sort((one, other) => {
      const [a, b] = [one[sorted], other[sorted]];
      if (empty(a) || empty(b)) return empty(a) - empty(b);
      return way * (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b)));
    });
  }
  document.getElementById('count').textContent = shown.length + ' of ' + data.scans.length + ' scans';
  body.replaceChildren();
  drawn = 0;
  drawMore();
}
const titles = element('tr');
data.columns.forEach(([name, title], index) => {
  const text = data.scans.some(scan => typeof scan[name] === 'string');
  const made = element('th', title, text ? 'text' : '');
  made.onclick = () => {
    rising = sorted === name ? !rising : true;
    sorted = name;
    for (const each of titles.children) each.removeAttribute('aria-sort');
    made.setAttribute('aria-sort', rising ? 'ascending' : 'descending');
    draw();
  };
  titles.append(made);
  if (index === 0) titles.append(element('th', 'preview', 'text'));
});
head.append(titles);
filter.oninput = status.onchange = draw;
draw();
"""
