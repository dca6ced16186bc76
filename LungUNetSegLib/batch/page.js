'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const head = document.querySelector('#scans thead'), body = document.querySelector('#scans tbody');
const filter = document.getElementById('filter'), status = document.getElementById('status');
const AT_ONCE = 60;
const isEmpty = value => value === null || value === '';
const columns = data.columns.filter(([name]) => data.scans.some(scan => !isEmpty(scan[name])));
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
  if (isEmpty(value)) return '';
  if (typeof value !== 'number') return value;
  return value.toFixed(name in data.decimals ? data.decimals[name] : 0).replace('-', '\u2212');
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
  columns.forEach(([name], index) => {
    if (index === 0) return line.append(...firstCells(line, scan));
    if (scan.status === 'failed') return;
    const text = name === 'remarks' || typeof scan[name] === 'string';
    const made = element('td', cell(scan, name), text ? 'text' : '');
    if (name === 'remarks') made.title = scan.messages.join('\n');
    line.append(made);
  });
  line.onclick = () => toggle(line, scan);
  return line;
}
function firstCells(line, scan) {
  const name = element('td'), next = element('td', undefined, 'picture'), button = element('button', scan.name);
  button.setAttribute('aria-expanded', 'false');
  name.append(button);
  if (scan.status === 'failed') {
    next.className = 'text';
    next.append(element('span', scan.remarks, 'seen'));  // whole, also where the table is wider than the window
    next.colSpan = columns.length;
  } else next.append(picture(scan, 'preview.png', true));
  return [name, next];
}
function toggle(line, scan) {
  const isOpen = line.nextSibling && line.nextSibling.className === 'detail';
  line.querySelector('button').setAttribute('aria-expanded', String(!isOpen));
  if (isOpen) return line.nextSibling.remove();
  const detail = element('tr', undefined, 'detail'), around = element('td'), place = element('div', undefined, 'seen');
  around.colSpan = columns.length + 1;
  place.append(element('p', scan.identity.join(' \u00b7 '), 'soft'));
  for (const message of scan.messages) place.append(element('p', message));
  if (scan.status === 'done') {
    place.append(picture(scan, 'preview.png', false));
    const slices = element('div'), image = picture(scan, 'doubtful.png', false);
    image.onerror = () => slices.remove();  // a scan without doubtful slices has no picture of them
    slices.append(element('p', 'Slices to look at first:', 'soft'), image);
    place.append(slices);
    const links = element('p');
    for (const file of [...scan.files, 'scan.json']) {
      const link = element('a', file);
      link.href = address(scan, file);
      links.append(link, '  ');
    }
    place.append(links);
  }
  around.append(place);
  detail.append(around);
  line.after(detail);
}
const watcher = new IntersectionObserver(entries => { if (entries.at(-1).isIntersecting) drawMore(); },
  { root: document.querySelector('.wide'), rootMargin: '600px' });
function drawMore() {
  const part = document.createDocumentFragment();
  for (const scan of shown.slice(drawn, drawn + AT_ONCE)) part.append(row(scan));
  drawn = Math.min(drawn + AT_ONCE, shown.length);
  body.append(part);
  watcher.disconnect();  // it only tells of changes: if the end is still in view, watching anew tells so again
  if (drawn < shown.length) watcher.observe(document.getElementById('more'));
}
function draw() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean), wanted = status.value;
  shown = data.scans.filter(scan => words.every(word => scan.words.includes(word))
    && (!wanted || (wanted === 'doubtful' ? isDoubtful(scan) : scan.status === wanted)));
  if (sorted !== null) {
    const way = rising ? 1 : -1;
    shown.sort((one, other) => {
      const [a, b] = [one[sorted], other[sorted]];
      if (isEmpty(a) || isEmpty(b)) return isEmpty(a) - isEmpty(b);
      return way * (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b)));
    });
  }
  document.getElementById('count').textContent = shown.length + ' of ' + data.scans.length + ' scans';
  body.replaceChildren();
  drawn = 0;
  drawMore();
}
const titles = element('tr');
columns.forEach(([name, title], index) => {
  const text = data.scans.some(scan => typeof scan[name] === 'string');
  const made = element('th', undefined, text ? 'text' : ''), button = element('button', title);
  made.append(button);
  made.dataset.title = title;
  button.onclick = () => {
    rising = sorted === name ? !rising : true;
    sorted = name;
    for (const each of titles.children) each.removeAttribute('aria-sort');
    made.setAttribute('aria-sort', rising ? 'ascending' : 'descending');
    draw();
  };
  titles.append(made);
  if (index === 0) titles.append(element('th', 'preview', 'text'));
});
onbeforeprint = () => { while (drawn < shown.length) drawMore(); };
head.append(titles);
filter.oninput = status.onchange = draw;
draw();
