// Which theme stands before the first paint: the one remembered, else the system's; and that there is script at all.
// A classic script on purpose.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const remembered = () => localStorage.getItem("theme") ?? "system";
  const show = () => {
    const theme = remembered();
    document.documentElement.dataset.theme = theme === "system" ? (system.matches ? "dark" : "light") : theme;
  };
  show();
  // What only works with script is shown only with it: [data-scripted].
  document.documentElement.classList.add("scripted");
  system.addEventListener("change", show);
  // Another tab chose one.
  addEventListener("storage", (event) => event.key === "theme" && show());
  document.addEventListener("DOMContentLoaded", () => {
    const choice = document.getElementById("themes");
    if (!choice) return;
    choice.hidden = false;
    choice.querySelector(`[value="${remembered()}"]`).checked = true;
    choice.addEventListener("change", (event) => {
      localStorage.setItem("theme", event.target.value);
      show();
    });
  });
})();
