// Light or dark: the system's choice, until the user makes one.

import { click, get } from "./dom.js";

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
