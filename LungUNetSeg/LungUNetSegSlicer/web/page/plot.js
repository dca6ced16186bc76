// The DSC of each slice as curves; a click shows the slice.

const WIDTH = 340, HEIGHT = 150, LEFT = 28, BOTTOM = 18, TOP = 6;
const COLOURS = ["#33a1c9", "#e08a1e", "#6b7785"];

function element(name, values) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
  return made;
}

export function plot(place, curves, onSlice) {
  place.replaceChildren();
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "DSC by slice, from the feet to the head" });
  const count = curves[0].values.length;
  const x = (index) => LEFT + (index * (WIDTH - LEFT - 4)) / Math.max(1, count - 1);
  const y = (value) => TOP + (1 - value) * (HEIGHT - TOP - BOTTOM);
  for (const value of [0, 0.5, 1]) {
    svg.append(element("line", { class: "axis", x1: LEFT, x2: WIDTH - 4, y1: y(value), y2: y(value) }));
    const text = element("text", { x: 2, y: y(value) + 4 });
    text.textContent = value;
    svg.append(text);
  }
  for (const index of [0, count - 1]) {
    const text = element("text", { x: x(index), y: HEIGHT - 4, "text-anchor": index ? "end" : "start" });
    text.textContent = `slice ${index + 1}`;
    svg.append(text);
  }
  curves.forEach((curve, number) => {
    let path = "";
    curve.values.forEach((value, index) => {
      if (value !== null) path += `${path && curve.values[index - 1] !== null ? "L" : "M"}${x(index)} ${y(value)}`;
    });
    svg.append(element("path", { d: path, fill: "none", stroke: COLOURS[number % 3], "stroke-width": 2 }));
  });
  svg.addEventListener("click", (event) => {
    const box = svg.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * WIDTH;
    onSlice(Math.round(Math.min(1, Math.max(0, (at - LEFT) / (WIDTH - LEFT - 4))) * (count - 1)));
  });
  const legend = document.createElement("ul");
  legend.className = "legend";
  curves.forEach((curve, number) => {
    const item = document.createElement("li"), dot = document.createElement("span");
    dot.className = "dot";
    dot.style.background = COLOURS[number % 3];
    item.append(dot, curve.name);
    legend.append(item);
  });
  place.append(svg, legend);
}
