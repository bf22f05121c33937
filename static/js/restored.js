// A page that the browser kept in memory may be one of before a sign-out: it is asked for anew. A classic script, for
// it stands on every page.
addEventListener("pageshow", (event) => event.persisted && location.reload());
