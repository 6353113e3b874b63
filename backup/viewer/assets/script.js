"use strict";
(function () {
  var doc = document;
  doc.documentElement.classList.add("on");

  function make(tag, text, parent) {
    var e = doc.createElement(tag);
    if (text) e.textContent = text;
    if (parent) parent.appendChild(e);
    return e;
  }

  /* Searching: every word, in any order, whatever its accents. */
  var field = doc.getElementById("search"), list = doc.getElementById("hits"), said = doc.getElementById("said");
  var entries = null, shownMost = 60;
  function plain(s) { return s.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase(); }
  function load() {
    if (entries) return;
    entries = JSON.parse(doc.getElementById("entries").textContent) || [];
    entries.forEach(function (e) { e.push(plain(e[1] + " " + e[2] + " " + e[0])); });
  }
  function seek() {
    load();
    var words = plain(field.value).split(/\s+/).filter(Boolean), found = 0;
    list.replaceChildren();
    if (!words.length) { said.textContent = ""; return; }
    entries.forEach(function (e) {
      if (!words.every(function (w) { return e[4].indexOf(w) >= 0; })) return;
      if (found++ >= shownMost) return;
      var a = make("a", "", make("li", "", list));
      a.href = e[3];
      make("b", e[1], a);
      make("span", e[0] + (e[2] ? " · " + around(e[2], words) : ""), a);
    });
    said.textContent = found === 0 ? "Nothing found." : found === 1 ? "1 found." :
      found + " found" + (found > shownMost ? ", the first " + shownMost + " shown." : ".");
  }
  function around(text, words) {
    var at = plain(text).indexOf(words[0]);
    return at > 80 ? "… " + text.slice(at - 40, at + 160) : text.slice(0, 200);
  }
  if (field) {
    var wait = 0;
    field.addEventListener("input", function () { clearTimeout(wait); wait = setTimeout(seek, 60); });
    field.addEventListener("keydown", function (ev) {
      var first = list.querySelector("a");
      if (ev.key === "Enter" || ev.key === "ArrowDown") {
        clearTimeout(wait); seek(); first = list.querySelector("a");
        if (!first) return;
        ev.preventDefault();
        if (ev.key === "Enter") first.click(); else first.focus();
      } else if (ev.key === "Escape") { field.value = ""; seek(); }
    });
    list.addEventListener("keydown", function (ev) {
      var li = ev.target.closest("li"), next = null;
      if (!li) return;
      if (ev.key === "ArrowDown") next = li.nextElementSibling;
      else if (ev.key === "ArrowUp") next = li.previousElementSibling;
      else if (ev.key === "Escape") { field.focus(); return; }
      else return;
      ev.preventDefault();
      if (next) next.firstElementChild.focus(); else if (ev.key === "ArrowUp") field.focus();
    });
    if (location.hash === "#search") field.focus();
  }
  doc.addEventListener("keydown", function (ev) {
    if (ev.key !== "/" || ev.ctrlKey || ev.metaKey || ev.altKey || /^(INPUT|TEXTAREA)$/.test(ev.target.tagName)) return;
    ev.preventDefault();
    if (field) field.focus(); else location.href = "../../index.html#search";
  });

  /* A contact that a link leads to is shown open. */
  function open() {
    var at = location.hash.length > 1 && doc.getElementById(location.hash.slice(1));
    if (at && at.tagName === "DETAILS") { at.open = true; at.scrollIntoView({ block: "center" }); at.querySelector("summary").focus(); }
    else if (at && at.classList.contains("tile")) { at.scrollIntoView({ block: "center" }); at.focus(); }
  }
  addEventListener("hashchange", open);
  addEventListener("load", open); /* the browser itself goes there before, and takes the focus away */

  /* Photos: arrows move among the tiles and from photo to photo. */
  var photos = Array.prototype.slice.call(doc.querySelectorAll("a.tile[data-name]"));
  if (!photos.length) return;
  var box = make("dialog", "", doc.body), stage = make("div", "", box), img = make("img", "", stage), sorry = make("p", "", stage);
  var foot = make("div", "", box), words = make("p", "", foot), back = make("button", "← Back", foot);
  var forth = make("button", "Next →", foot), close = make("button", "Close", foot), now = -1;
  stage.className = "stage"; foot.className = "foot";
  box.setAttribute("aria-label", "Photo");
  words.setAttribute("aria-live", "polite");
  img.alt = "";
  sorry.hidden = true;
  img.addEventListener("error", function () { if (img.src) sorry.hidden = false; });
  img.addEventListener("load", function () { sorry.hidden = true; });
  function show(i) {
    if (i < 0 || i >= photos.length) return;
    now = i;
    var a = photos[i];
    sorry.hidden = true;
    sorry.textContent = "This browser cannot show the photo. Its file is in the copy.";
    img.src = a.href;
    img.alt = a.dataset.name;
    words.textContent = [a.dataset.name, a.dataset.when, a.dataset.with, (i + 1) + " of " + photos.length].filter(Boolean).join(" · ");
    back.disabled = i === 0;
    forth.disabled = i === photos.length - 1;
  }
  back.addEventListener("click", function () { show(now - 1); });
  forth.addEventListener("click", function () { show(now + 1); });
  close.addEventListener("click", function () { box.close(); });
  box.addEventListener("close", function () {
    img.removeAttribute("src");
    photos[now].scrollIntoView({ block: "nearest" });
    photos[now].focus();
  });
  box.addEventListener("keydown", function (ev) {
    if (ev.key === "ArrowRight") show(now + 1);
    else if (ev.key === "ArrowLeft") show(now - 1);
    else if (ev.key === "Home") show(0);
    else if (ev.key === "End") show(photos.length - 1);
    else return;
    ev.preventDefault();
  });
  doc.addEventListener("click", function (ev) {
    var a = ev.target.closest("a.tile[data-name]");
    if (!a || ev.ctrlKey || ev.metaKey || ev.shiftKey || ev.button) return;
    ev.preventDefault();
    show(photos.indexOf(a));
    box.showModal();
    close.focus();
  });
  doc.addEventListener("keydown", function (ev) {
    var at = box.open ? -1 : photos.indexOf(ev.target), to = -1;
    if (at < 0) return;
    if (ev.key === "ArrowRight") to = at + 1;
    else if (ev.key === "ArrowLeft") to = at - 1;
    else if (ev.key === "ArrowDown" || ev.key === "ArrowUp") {
      var from = photos[at].getBoundingClientRect(), step = ev.key === "ArrowDown" ? 1 : -1;
      for (var i = at + step; photos[i]; i += step) {
        var r = photos[i].getBoundingClientRect();
        if (Math.abs(r.left - from.left) < 4 && Math.abs(r.top - from.top) > 4) { to = i; break; }
      }
    } else return;
    ev.preventDefault();
    if (photos[to]) photos[to].focus();
  });
})();
