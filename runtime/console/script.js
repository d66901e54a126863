// The pages work without this script. With it, an open page follows the store, and is not changed under the reader's hands.
(function () {
  "use strict";
  const main = document.getElementById("main");
  const live = document.getElementById("live");
  if (!main || !live || !window.EventSource || document.querySelector("main form[method=post]")) return;

  // What was done is said once: a page that is loaded again, later, would say it of what may have changed since.
  const here = new URL(window.location.href);
  if (here.searchParams.has("done")) {
    here.searchParams.delete("done");
    here.searchParams.delete("n");
    window.history.replaceState(window.history.state, "", here);
  }

  let paused = false, changed = false, busy = false, last = 0, touched = 0;
  const button = document.createElement("button");
  button.type = "button";
  let stream = null;
  const say = function () {
    button.textContent = paused ? "Paused" : stream !== null && stream.readyState === 2 ? "Not live" : "Live";
    button.setAttribute("aria-pressed", String(paused));
  };
  button.addEventListener("click", function () { paused = !paused; say(); if (!paused) refresh(); });
  say();
  live.replaceChildren(button);
  live.hidden = false;

  // A reader who types, selects, scrolls, presses something or has opened details looks at what is there.
  const touch = function () { touched = Date.now(); };
  document.addEventListener("scroll", touch, true);
  document.addEventListener("pointerdown", touch, true);
  function occupied() {
    const at = document.activeElement, chosen = document.getSelection();
    return paused || document.hidden || Date.now() - touched < 1000 || main.querySelector("details[open]") !== null ||
      (at !== null && main.contains(at) && at !== main) || (chosen !== null && !chosen.isCollapsed);
  }

  function refresh() {
    if (!changed || busy || occupied() || Date.now() - last < 2000) return;
    changed = false; busy = true; last = Date.now();
    fetch(window.location.href, { credentials: "same-origin" }).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.text();
    }).then(function (text) {
      const page = new DOMParser().parseFromString(text, "text/html");
      const next = page.getElementById("main"), foot = page.querySelector("footer");
      if (!next || occupied()) { changed = true; return; }
      const place = window.scrollY, lefts = Array.from(main.querySelectorAll(".scroll"), function (box) { return box.scrollLeft; });
      const said = main.querySelector(".done");
      main.replaceChildren(...next.childNodes);
      if (said) main.querySelector("h1").after(said);
      main.querySelectorAll(".scroll").forEach(function (box, i) { if (lefts[i] > 0) box.scrollLeft = lefts[i]; });
      if (foot) document.querySelector("footer").replaceChildren(...foot.childNodes);
      window.scrollTo(0, place);
    }).catch(function () { changed = true; }).finally(function () { busy = false; });
  }

  // The server refuses a stream when too many pages are open, or when it does not know the reader any more.
  function follow() {
    stream = new EventSource("./live");
    stream.addEventListener("stored", function () { changed = true; refresh(); });
    stream.addEventListener("open", say);
    stream.addEventListener("error", say);
  }
  follow();
  window.setInterval(refresh, 2000);
  window.setInterval(function () { if (stream.readyState === 2) follow(); }, 60000);
  window.addEventListener("pagehide", function () { stream.close(); });
  window.addEventListener("pageshow", function (e) { if (e.persisted) { changed = true; follow(); } });
  document.addEventListener("keydown", function (e) {
    if (e.key === "/" && !e.ctrlKey && !e.metaKey && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      e.preventDefault();
      document.getElementById("find-id").focus();
    }
  });
})();
