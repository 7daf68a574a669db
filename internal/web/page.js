// Comfort only: every page is complete without this.
(function () {
  "use strict";
  var doc = document;
  function each(selector, run) { Array.prototype.forEach.call(doc.querySelectorAll(selector), run); }

  // Copy buttons.
  each("[data-copy]", function (block) {
    var code = block.querySelector("code");
    var button = doc.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy: " + block.getAttribute("data-copy"));
    button.addEventListener("click", function () {
      copy(code.textContent, function (done) {
        button.textContent = done ? "Copied" : "Press Ctrl+C";
        if (!done) { doc.getSelection().selectAllChildren(code); }
        setTimeout(function () { button.textContent = "Copy"; }, 2000);
      });
    });
    block.appendChild(button);
  });
  function copy(text, then) {
    if (!navigator.clipboard) { return then(false); }
    navigator.clipboard.writeText(text).then(function () { then(true); }, function () { then(false); });
  }

  // Filters: a text, and verdicts that are pressed.
  each("[data-filter]", function (form) {
    var input = form.querySelector("input"), count = form.querySelector("output");
    var chips = Array.prototype.slice.call(form.querySelectorAll("button[data-verdict]"));
    var items = Array.prototype.slice.call(doc.querySelectorAll(form.getAttribute("data-filter")));
    var texts = items.map(function (item) { return item.textContent.toLowerCase(); });
    form.hidden = false;
    function apply() {
      var words = input.value.toLowerCase().split(/\s+/).filter(Boolean), shown = 0;
      var pressed = chips.filter(function (c) { return c.getAttribute("aria-pressed") === "true"; });
      items.forEach(function (item, i) {
        var hit = words.every(function (w) { return texts[i].indexOf(w) >= 0; });
        var verdict = item.getAttribute("data-verdict");
        hit = hit && (!pressed.length || pressed.some(function (c) { return c.getAttribute("data-verdict") === verdict; }));
        item.hidden = !hit;
        if (hit) { shown++; }
      });
      each("[data-group]", function (group) { group.hidden = !group.querySelector("[data-item]:not([hidden])"); });
      count.textContent = shown === items.length ? "" : shown + " of " + items.length;
    }
    input.addEventListener("input", apply);
    form.addEventListener("submit", function (e) { e.preventDefault(); });
    form.addEventListener("keydown", function (e) { if (e.key === "Escape") { input.value = ""; apply(); } });
    chips.forEach(function (chip) {
      chip.addEventListener("click", function () {
        chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") === "true" ? "false" : "true");
        apply();
      });
    });
    doc.addEventListener("keydown", function (e) {
      if (e.key === "/" && !/^(INPUT|TEXTAREA)$/.test(doc.activeElement.tagName)) { e.preventDefault(); input.focus(); }
    });
    apply(); // a browser may have kept what was typed
  });

  // A status page goes grey when nobody writes it anew.
  function utc(ms) { return new Date(ms).toISOString().slice(0, 16).replace("T", " ") + " UTC"; }
  function grey(part) {
    part.classList.add("stale");
    Array.prototype.forEach.call(part.querySelectorAll("use"), function (use) { use.setAttribute("href", "#i-skipped"); });
  }
  function age(main) {
    var now = Date.now(), after = main.getAttribute("data-stale") * 1000, all = 0, old = 0, last = 0;
    each("[data-checked]", function (item) {
      var at = Date.parse(item.getAttribute("data-checked")), word = item.querySelector(".word");
      all++;
      if (now - at <= after) { return; }
      old++;
      last = Math.max(last, at);
      if (item.classList.contains("stale")) { return; }
      grey(item);
      if (word) { word.textContent = "stale, last " + word.textContent; }
    });
    if (now <= Date.parse(main.getAttribute("data-until")) || main.classList.contains("stale")) { return; }
    grey(main);
    main.querySelector("h1 .word").textContent = "Stale";
    var told = main.querySelector(".aged");
    told.hidden = false;
    told.textContent = (old < all ? old + " of " + all + " not" : "Not") + " checked since " + utc(last) + ". All this is how it stood then.";
    doc.title = "Stale · " + doc.title;
  }
  each("[data-until]", function (main) {
    function again() { age(main); }
    again();
    setInterval(again, 30000);
    doc.addEventListener("visibilitychange", again);
  });

  // A link to what is folded opens it.
  function open() {
    var id = decodeURIComponent(location.hash.slice(1));
    var target = id && doc.getElementById(id);
    for (var at = target; at; at = at.parentElement) { if (at.tagName === "DETAILS") { at.open = true; } }
    if (target) { target.scrollIntoView(); }
  }
  addEventListener("hashchange", open);
  if (location.hash) { open(); }

  // For browsers whose style sheets cannot open what is folded when they print.
  var closed = [];
  addEventListener("beforeprint", function () {
    each("details:not([open])", function (d) { closed.push([d, d.getAttribute("name")]); d.removeAttribute("name"); d.open = true; });
  });
  addEventListener("afterprint", function () {
    closed.forEach(function (c) { c[0].open = false; if (c[1]) { c[0].setAttribute("name", c[1]); } });
    closed = [];
  });

  // Tables that a narrow screen sets as cards stay tables for screen readers.
  [["table", "table"], ["thead,tbody", "rowgroup"], ["tr", "row"], ["th[scope=col]", "columnheader"], ["th[scope=row]", "rowheader"], ["td", "cell"]].forEach(function (role) {
    each("table.cards" + (role[0] === "table" ? "" : " :is(" + role[0] + ")"), function (e) { e.setAttribute("role", role[1]); });
  });
})();
