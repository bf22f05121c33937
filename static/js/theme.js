// Which looks stand before the first paint: those remembered, else the system's; and that there is script at all.
// A classic script on purpose.
(() => {
  const isDark = matchMedia("(prefers-color-scheme: dark)");
  const wantsContrast = matchMedia("(prefers-contrast: more)");
  const choices = {
    theme: ["system", "light", "dark", "contrast"],
    density: ["comfortable", "compact"],
  };
  const remembered = (what) => {
    const stored = localStorage.getItem(what);
    return choices[what].includes(stored) ? stored : choices[what][0];
  };
  const ofSystem = () => (wantsContrast.matches ? "contrast" : isDark.matches ? "dark" : "light");
  const show = () => {
    const theme = remembered("theme");
    const { dataset } = document.documentElement;
    dataset.theme = theme === "system" ? ofSystem() : theme;
    dataset.density = remembered("density");
  };
  show();
  // What only works with script is shown only with it: [data-scripted].
  document.documentElement.classList.add("scripted");
  isDark.addEventListener("change", show);
  wantsContrast.addEventListener("change", show);
  // Another tab chose one.
  addEventListener("storage", (event) => event.key in choices && show());
  document.addEventListener("DOMContentLoaded", () => {
    for (const what of Object.keys(choices)) {
      const choice = document.querySelector(`[data-looks=${what}]`);
      if (!choice) continue;
      choice.hidden = false;
      choice.querySelector(`[value="${remembered(what)}"]`).checked = true;
      choice.addEventListener("change", (event) => {
        localStorage.setItem(what, event.target.value);
        show();
      });
    }
  });
})();
