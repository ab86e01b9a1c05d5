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

  // Single keys can be switched off, for those who speak to their browser; it remembers that.
  const root = document.documentElement;
  function switchKeys(to) {
    root.dataset.keys = to;
    for (const one of document.querySelectorAll("[data-keys-to]")) {
      one.setAttribute("aria-pressed", String(one.dataset.keysTo === to));
    }
  }
  const rememberedKeys = () => (document.cookie.includes("deskpost_keys=off") ? "off" : "on");
  switchKeys(rememberedKeys());
  document.addEventListener("htmx:afterSettle", () => switchKeys(rememberedKeys()));
  document.addEventListener("click", (event) => {
    const to = event.target instanceof Element && event.target.closest("[data-keys-to]");
    if (!to) return;
    document.cookie = `deskpost_keys=${to.dataset.keysTo}; path=/; SameSite=Lax; Max-Age=31536000`;
    switchKeys(to.dataset.keysTo);
  });

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
      const tool = target.closest(".find details[open]");
      if (tool) {
        tool.open = false;
        tool.querySelector("summary").focus();
      } else if (isTyping(target)) target.blur();
      else document.querySelector(".drawer [data-close]")?.click();
      return;
    }
    if (isTyping(target) || root.dataset.keys === "off") return;
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

  // What had the focus and what was ticked before a part of the page is exchanged.
  let held = null;

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (isPoll(event.target)) return;
    const focused = document.activeElement;
    const from = focused && focused !== document.body ? focused : event.detail.requestConfig?.elt;
    held = {
      entry: entry(),
      row: document.querySelector(".ledger tr.open")?.id,
      rows: rows().length,
      place: place(from),
      ticked: new Set([...document.querySelectorAll("input.tick-row:checked")].map((box) => box.value)),
    };
  });

  const entry = () => document.querySelector(".drawer")?.dataset.entry ?? "";

  // Where in the page it is, in words that hold after the exchange too.
  function place(element) {
    if (!(element instanceof Element)) return null;
    const region = element.closest("nav[aria-label], .chips, .news, #more, form");
    const name = region?.getAttribute("aria-label");
    return {
      region: name ? `${region.localName}[aria-label="${CSS.escape(name)}"]` : "",
      is: (selector) => element.closest(selector) !== null,
      chip: [...document.querySelectorAll(".chips a")].indexOf(element),
      href: element.getAttribute("href"),
      name: element.getAttribute("name"),
      submits: element.matches("button[type=submit]"),
    };
  }

  function samePlace({ place: was, rows: count }) {
    const find = (selector) => document.querySelector(selector);
    if (was.is("#more")) return rows()[count];
    if (was.is(".news")) return rows()[0];
    if (was.is(".chips")) {
      const chips = [...document.querySelectorAll(".chips a")];
      return chips[Math.min(was.chip, chips.length - 1)] ?? find(".filters summary");
    }
    if (was.is(".filters") && was.name) return find(`.filters [name="${CSS.escape(was.name)}"]`);
    if (was.is(".filters") && was.submits) return find(".filters button[type=submit]");
    if (was.name) return find(`main [name="${CSS.escape(was.name)}"]`);
    const region = was.region && find(was.region);
    const there = was.href && `a[href="${CSS.escape(was.href)}"]`;
    if (region) return (there && region.querySelector(there)) ?? region.querySelector("[aria-current]");
    return there && find(there);
  }

  // An opened entry takes the focus to its title; a closed one gives it back to its row. All else
  // keeps it where it was, or beside what is gone.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (!held || isPoll(event.target)) return;
    for (const box of document.querySelectorAll("input.tick-row")) {
      if (held.ticked.has(box.value)) box.checked = true;
    }
    countTicks();
    const was = held;
    held = null;
    if (entry() && entry() !== was.entry) {
      document.querySelector(".drawer h2").focus({ preventScroll: true });
      // Where there is no room for both, the entry is the page: it begins at its beginning.
      const drawer = document.querySelector(".drawer");
      if (getComputedStyle(drawer).position === "static") drawer.scrollIntoView();
    } else if (was.entry && !entry()) {
      const row = document.getElementById(was.row);
      (row?.querySelector(".row-link") ?? document.getElementById("main")).focus();
    } else if (was.place && (document.activeElement ?? document.body) === document.body) {
      const same = samePlace(was) ?? document.getElementById("main");
      same.focus({ preventScroll: !same.closest(".ledger") });
    }
  });

  // Rows that were added by "Load more" may go on with a day that is there already.
  document.addEventListener("htmx:afterSwap", dropRepeatedDays);
  function dropRepeatedDays() {
    const seen = new Set();
    for (const head of document.querySelectorAll(".ledger tr.day[data-day]")) {
      if (seen.has(head.dataset.day)) head.remove();
      seen.add(head.dataset.day);
    }
  }
})();
