// The button turns the reader's theme over; without this script the page follows the system's.
(() => {
  const button = document.getElementById("theme");
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  // A page opened from a file may be denied storage.
  try { chosen = localStorage.getItem("theme"); } catch { }
  const show = () => {
    const dark = chosen ? chosen === "dark" : system.matches;
    if (chosen) { root.dataset.theme = chosen; }
    button.textContent = dark ? "Light" : "Dark";
    return dark;
  };
  button.addEventListener("click", () => {
    chosen = show() ? "light" : "dark";
    try { localStorage.setItem("theme", chosen); } catch { }
    show();
  });
  system.addEventListener("change", show);
  button.hidden = false;
  show();
})();
