// Tells the other tabs of this browser that somebody signed in or out here; a window opened only for that closes.
// A classic script on purpose: it stands on pages that need no other.
new BroadcastChannel("chameleon").postMessage({ kind: "changed" });
if (document.currentScript.dataset.close) window.close();
else {
  // Whoever is signed out is not told how many requests wait, nor what this tab searched for: not every browser heeds
  // Clear-Site-Data.
  navigator.clearAppBadge?.().catch(() => {});
  sessionStorage.clear();
}
