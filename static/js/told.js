// Tells the other tabs of this browser that somebody signed in or out here; a window opened only for that closes.
// A classic script on purpose: it stands on pages that need no other.
new BroadcastChannel("chameleon").postMessage({ kind: "changed" });
if (document.currentScript.dataset.close) window.close();
// Whoever is signed out is not told how many requests wait.
else navigator.clearAppBadge?.().catch(() => {});
