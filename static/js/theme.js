// Which looks stand before the first paint: those the pilot chose, else those remembered here, else the system's; that
// there is script at all, and that
// times are not the reader's own yet.
// A classic script on purpose.
(() => {
  const UNLOCALIZED = 4000;
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
  // What the server says is remembered too, for pages that know no pilot: sign-in, errors, the shell.
  for (const [what, known] of Object.entries(choices)) {
    const stated = document.documentElement.dataset[what];
    if (known.includes(stated) && localStorage.getItem(what) !== stated) localStorage.setItem(what, stated);
  }
  const show = () => {
    const theme = remembered("theme");
    const { dataset } = document.documentElement;
    dataset.theme = theme === "system" ? ofSystem() : theme;
    dataset.density = remembered("density");
  };
  show();
  // What only works with script is shown only with it: [data-scripted].
  const { classList } = document.documentElement;
  classList.add("scripted", "localizing");
  // Where times.js never comes, the long form of a moment shows after all. One class for all of them: an animation
  // on each of four hundred kept a phone busy for as long as everything else.
  setTimeout(() => classList.remove("localizing"), UNLOCALIZED);
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
