// Keys and toasts. Every page works without this file.
"use strict";

(() => {
  document.documentElement.dataset.scripts = "";

  const rows = () => [...document.querySelectorAll("tr[data-row] .row-link")];

  function step(by) {
    const links = rows();
    if (!links.length) return;
    const here = links.findIndex((link) => link === document.activeElement);
    const from = here >= 0 ? here : links.findIndex((link) => link.hasAttribute("aria-current"));
    const next = from < 0 ? (by > 0 ? 0 : links.length - 1) : from + by;
    const link = links[Math.min(Math.max(next, 0), links.length - 1)];
    link.focus();
    link.scrollIntoView({ block: "nearest" });
  }

  const keys = {
    j: () => step(1),
    k: () => step(-1),
    "/": () => document.querySelector(".filters input[type=search]")?.focus(),
  };

  function isTyping(target) {
    return target.closest("input, textarea, select, [contenteditable]") !== null;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.key === "Escape") {
      if (isTyping(target)) target.blur();
      else document.querySelector(".drawer [data-close]")?.click();
      return;
    }
    if (isTyping(target) || document.documentElement.dataset.keys === "off") return;
    const act = keys[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });

  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    event.target.closest("[data-dismiss]")?.closest(".toast")?.remove();
  });

  // The bar of acts says how many rows are ticked.
  function countTicks() {
    const said = document.querySelector("#bulk [data-ticked]");
    const ticked = document.querySelectorAll("input.tick-row:checked").length;
    if (said) said.textContent = ticked || "";
  }
  document.addEventListener("change", countTicks);
  document.addEventListener("htmx:afterSettle", countTicks);
  addEventListener("pageshow", countTicks);

  // A choice of channel takes effect at once; its button is for those without this file.
  document.addEventListener("change", (event) => {
    if (event.target instanceof HTMLSelectElement && "submit" in event.target.dataset) {
      event.target.form?.requestSubmit();
    }
  });

  // Whether the overview was left open is remembered for as long as the browser is.
  document.addEventListener("toggle", (event) => {
    const name = event.target instanceof HTMLDetailsElement ? event.target.dataset.remember : "";
    if (name) document.cookie = `${name}=${event.target.open ? "open" : ""}; path=/; SameSite=Lax`;
  }, true);

  // Lists ask what is new (data-poll), but not for a tab that nobody sees; the answer moves nothing.
  const isPoll = (target) => target instanceof Element && target.closest("[data-poll]") !== null
    && !target.closest("a");

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && isPoll(event.target)) event.preventDefault();
  });

  // What was left empty in a form of filters is no part of the address.
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get" || !(event.target instanceof HTMLFormElement)) return;
    for (const [name, value] of [...event.detail.formData]) {
      if (value === "") event.detail.formData.delete(name);
    }
  });

  // What is no page of the log (signed out in the meantime, an error) is opened as a page.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const answer = event.detail.xhr;
    if (isPoll(event.target)) {
      event.detail.shouldSwap = answer.status === 200 && answer.responseText.startsWith("<a class");
      event.detail.isError = false;
      return;
    }
    if (answer.status >= 400 || !answer.responseText.includes('class="frame')) {
      event.preventDefault();
      location.assign(answer.responseURL || event.detail.pathInfo.requestPath);
    }
  });

  let cameFrom = "";

  // An opened entry takes the focus to its title; a closed one gives it back to its row.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-poll]")) return;
    // Within an open entry, the view that was chosen keeps it.
    const title = document.querySelector(".drawer-tabs a:not(:first-child)[aria-current]")
      ?? document.querySelector(".drawer h2");
    if (title) {
      cameFrom = document.querySelector(".ledger tr.open")?.id ?? "";
      title.focus({ preventScroll: true });
      // Where there is no room for both, the entry is the page: it begins at its beginning.
      const drawer = document.querySelector(".drawer");
      if (getComputedStyle(drawer).position === "static") drawer.scrollIntoView();
    } else if (cameFrom) {
      document.getElementById(cameFrom)?.querySelector(".row-link")?.focus();
      cameFrom = "";
    }
    dropRepeatedDays();
  });

  // Rows that were added by "Load more" may go on with a day that is there already.
  function dropRepeatedDays() {
    const seen = new Set();
    for (const head of document.querySelectorAll(".ledger tr.day[data-day]")) {
      if (seen.has(head.dataset.day)) head.remove();
      seen.add(head.dataset.day);
    }
  }
})();
