// The page's own behaviour, beside Gradio's events: the reading pane, the graph, the conversations.
// Text is set by textContent; HTML comes only from the server, which escapes it.
(() => {
  "use strict";
  const KEY = "ragbot.conversations";
  const make = (tag, attributes = {}, text = "") => {
    const made = Object.assign(document.createElement(tag), attributes);
    if (text) made.textContent = text;
    return made;
  };
  let server, trigger, root, opener, drawn;
  const fresh = () => (crypto.randomUUID ? crypto.randomUUID() : String(Date.now()));
  const asked = new URLSearchParams(location.search).get("q");
  let current = fresh(), onPage = current;

  const box = () => document.querySelector("#question textarea");

  // Sets the text of the box as typing does, so that Gradio receives it before any other event.
  function fill(text) {
    const field = box();
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(field, text);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function write(question, send) {
    fill(question);
    box().focus();
    if (send) setTimeout(submit, 60);
  }

  // Settled once the chosen conversation is on the page. It would overwrite an answer that comes before.
  let settle, settled = new Promise((done) => { settle = done; });

  // Settled while no answer comes. Gradio shows the button again a moment before it takes a question.
  let end, ended = Promise.resolve();

  // While an answer comes there is no button: the typed text stays in the box.
  async function submit() {
    const ask = () => document.querySelector("#question .submit-button");
    await settled;
    if (!ask() || (coming && !box().value.trim())) return;
    await ended;
    ask()?.click();
  }

  // The pane beside the chat: a note or the graph, with a button back to what it showed before.
  const pane = () => document.getElementById("pane");
  const narrow = () => matchMedia("(max-width: 999px)").matches;
  let here = null, before = [];

  function button(name, does, attributes = {}) {
    const made = make("button", { type: "button", ...attributes }, name);
    made.onclick = does;
    return made;
  }

  // `again` shows the same content again: Back calls it.
  function show(label, where, again, ...content) {
    drawn?.close();
    drawn = null;
    if (here) before.push(here);
    here = again;
    const bar = make("div", { className: "bar" });
    if (before.length) bar.append(button("← Back", back, { className: "back" }));
    bar.append(where, button("×", hide, { className: "close", ariaLabel: "Close" }));
    const inside = make("div", { className: "inside" });
    inside.append(...content);
    pane().replaceChildren(bar, inside);
    pane().setAttribute("aria-label", label);
    pane().hidden = false;
    document.body.classList.add("reading");
    // If the pane covers the chat, the focus stays in the pane.
    document.querySelector("gradio-app").inert = narrow();
  }

  function back() {
    here = null;
    before.pop()();
  }

  function hide() {
    if (!pane() || pane().hidden) return;
    drawn?.close();
    drawn = here = null;
    before = [];
    pane().hidden = true;
    document.querySelector("gradio-app").inert = false;
    document.body.classList.remove("reading", "drawing");
    opener?.focus?.();
  }

  function from(element) {
    if (element && !pane().contains(element)) [opener, before, here] = [element, [], null];
  }

  // Returns the server's answer; if there is none, the pane says so.
  async function callServer(what, given) {
    let answer;
    // Gradio's client may hide a failure or raise it.
    try { answer = await server[what](given); } catch { /* shown below */ }
    if (answer !== undefined) return answer;
    show("Error", "", hide, make("p", { className: "notice", role: "alert" },
      "The server did not answer. Is ragbot still running? Reload the page once it is."));
    return null;
  }

  // Opens a note at a passage, or at a place as a link names it.
  async function read({ note, start, end, place }) {
    quote(null);
    const html = await callServer("read_note", { note, start: +start, end: +end, place });
    if (html === null) return;
    document.body.classList.remove("drawing");
    const inside = make("article");
    inside.innerHTML = html;
    const title = inside.querySelector("#note-title");
    if (title) title.parentElement.append(make("button", { type: "button", className: "chip ask", dir: "auto" },
      `What do the notes say about ${title.textContent}?`));
    const again = () => read({ note, start, end, place });
    if (here?.note === note) here = null;
    show("Note", inside.querySelector(".place") ?? "", Object.assign(again, { note }), inside);
    pane().scrollTop = 0;
    inside.querySelector("mark")?.scrollIntoView({ block: "center" });
    title?.focus({ preventScroll: true });
  }

  // The graph.
  function script(src) {
    return new Promise((done, fail) => document.head.append(make("script", { src, onload: done, onerror: fail })));
  }

  async function library() {
    if (!window.ForceGraph) await script("ragbot/force-graph.min.js");
    if (!window.ragbotGraph) await script("ragbot/graph.js");
  }

  async function draw(seeds) {
    quote(null);
    const [data] = await Promise.all([callServer("draw", { seeds }), library()]);
    if (data === null) return;
    const ghosts = data.nodes.filter((node) => node.ghost).length;
    const wanted = ghosts ? `${ghosts} not written yet, ` : "";
    const count = `${data.nodes.length - ghosts} notes, ${wanted}${data.relations} links`;
    const canvas = make("div", { className: "canvas" });
    const steer = make("div", { className: "steer" });
    steer.append(
      button("+", () => drawn.zoom(1.5), { ariaLabel: "Zoom in" }),
      button("−", () => drawn.zoom(1 / 1.5), { ariaLabel: "Zoom out" }),
      button("Fit", () => drawn.fit(), { title: "Show all" }));
    const list = make("details");
    list.append(make("summary", {}, "The same as a list"));
    for (const node of [...data.nodes].sort((a, b) => b.degree - a.degree)) {
      const row = node.ghost ? make("span", { className: "ghost" }, node.title)
        : make("a", { href: "#note", className: "wikilink" }, node.title);
      if (!node.ghost) row.dataset.note = node.id;
      list.append(row);
    }
    document.body.classList.add("drawing");
    show("Graph", make("p", { className: "place" }, count), () => draw(seeds),
      make("h2", {}, seeds.length ? "Around this answer" : "All notes"), canvas, steer,
      ragbotGraph.legend(data, (predicate) => drawn.toggle(predicate)), list);
    drawn = ragbotGraph.draw(canvas, data, {
      ink: getComputedStyle(document.body).color,
      paper: getComputedStyle(pane()).backgroundColor,
      open: (node) => (node.ghost ? aside(`What do the notes say about ${node.title}?`, false) : read({ note: node.id })),
    });
    pane().querySelector(".close").focus();
    pane().scrollTop = 0;
  }

  // Asks a question from the pane; closes the pane if it covers the chat.
  function aside(question, send) {
    if (narrow()) hide();
    write(question, send);
  }

  // Conversations, stored in this browser only.
  const kept = () => { try { return JSON.parse(localStorage.getItem(KEY)) || []; } catch { return []; } };

  // Stores the newest 50, or fewer if the browser has no room.
  function keep(all) {
    for (let most = 50; most > 0; most -= 1) {
      try {
        localStorage.setItem(KEY, JSON.stringify(all.slice(0, most)));
        return;
      } catch { /* full: the oldest makes way */ }
    }
  }

  function turns() {
    return [...root.querySelectorAll(".turn")].map((turn) => ({
      question: turn.querySelector(".question").textContent, html: turn.outerHTML,
    }));
  }

  function remember() {
    const said = turns();
    if (onPage !== current || !said.length || root.querySelectorAll(".turn .actions").length < said.length) return;
    const all = kept(), at = all.findIndex((talk) => talk.id === current);
    const name = at >= 0 ? all[at].name : said[0].question.slice(0, 80);
    if (at >= 0) all.splice(at, 1);
    keep([{ id: current, name, turns: said }, ...all]);
    goto(current);
    list();
  }

  // Questions are numbered, so that the server knows which one was cancelled. While an answer comes,
  // a change of conversation waits for its last piece: `next` is called then.
  let number = 0, coming = false, next = null;

  function instead(does) {
    if (!coming) return does();
    next = does;
    trigger("leave", {});
  }

  function over() {
    coming = false;
    end?.();
    const does = next;
    next = null;
    does?.();
  }

  // Shows another conversation, and stores this one first. `onPage` names the one that is shown:
  // until the other is there, nothing is stored under its name.
  let waiting, fetched;

  function change(id, keeping = true) {
    clearTimeout(waiting);
    if (keeping) remember();
    goto(id);
    settled = new Promise((done) => { settle = done; });
    document.body.classList.remove("settled");
    trigger("restore", {});
    list();
  }

  function saved() {
    fetched = current;
    return { turns: kept().find(({ id }) => id === current)?.turns ?? [] };
  }

  function restored() {
    onPage = fetched;
    if (onPage !== current) return;
    document.body.classList.add("settled");
    settle();
  }

  // After a reload, the page continues the conversation of this tab.
  const HERE = "ragbot.current";

  function goto(id) {
    current = id;
    try { sessionStorage.setItem(HERE, id); } catch { /* a new one after a reload */ }
  }

  function last() {
    let id;
    try { id = sessionStorage.getItem(HERE); } catch { /* none */ }
    if (!asked && kept().some((talk) => talk.id === id)) current = id;
    return saved();
  }

  function begin(keeping) {
    change(fresh(), keeping);
    box().focus();
  }

  // Returns a conversation as Markdown. The server wrote the Markdown of each answer; footnotes are renumbered.
  function exported(talk) {
    let before = 0;
    const answers = talk.turns.map(({ question, html }) => {
      const turn = new DOMParser().parseFromString(html, "text/html");
      const text = turn.querySelector("[data-markdown]")?.dataset.markdown ?? turn.querySelector(".answer > p")?.textContent ?? "";
      const numbered = text.replace(/^(`{3,})[^]*?^\1|\[\^(\d+)\]/gm, (found, _, number) => (number ? `[^${before + +number}]` : found));
      before += turn.querySelectorAll(".source").length;
      return `## ${question}\n\n${numbered}`;
    });
    return `${[`# ${talk.name}`, ...answers].join("\n\n")}\n`;
  }

  function save(talk) {
    const link = make("a", { download: `${talk.name.replace(/[^\p{L}\p{N} ]/gu, "").trim() || "conversation"}.md` });
    link.href = URL.createObjectURL(new Blob([exported(talk)], { type: "text/markdown" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function list() {
    const place = document.getElementById("conversations");
    if (!place) return;
    place.replaceChildren(...kept().map((talk) => {
      const row = make("li");
      const open = button(talk.name, () => instead(() => {
        change(talk.id);
        if (narrow()) side(false);
      }), { className: "talk", dir: "auto" });
      if (talk.id === current) open.setAttribute("aria-current", "true");
      const act = (name, does) => button(name, does, { ariaLabel: `${name}: ${talk.name}` });
      const acts = make("div", { className: "acts" });
      acts.append(
        act("Rename", () => {
          const name = window.prompt("Name of the conversation", talk.name)?.trim();
          if (name) { keep(kept().map((t) => (t.id === talk.id ? { ...t, name } : t))); list(); }
        }),
        act("Export", () => save(talk)),
        act("Delete", () => {
          if (!window.confirm(`Delete the conversation “${talk.name}”?`)) return;
          keep(kept().filter((t) => t.id !== talk.id));
          talk.id === current ? instead(() => begin(false)) : list();
        }));
      row.append(open, acts);
      return row;
    }));
    if (!place.children.length) place.append(make("li", { className: "none" }, "None yet. They stay in this browser."));
  }

  // The bar at the side, Gradio's own.
  function side(open) {
    const bar = document.querySelector(".sidebar");
    if (bar && bar.classList.contains("open") !== open) bar.querySelector(".toggle-button").click();
  }

  // Settings: the last choice in this browser, as far as it is still possible.
  const SETTINGS = "ragbot.chosen";

  // Returns the value of each field. A field without a stored choice is left alone, because
  // the visitor may be typing there.
  function settings(usual, known) {
    let chosen;
    try { chosen = JSON.parse(localStorage.getItem(SETTINGS)); } catch { /* as usual */ }
    return usual.map((value, place) => {
      const found = chosen?.[place], among = known[place];
      if (Array.isArray(value)) return Array.isArray(found) ? found.filter((name) => among.includes(name)) : undefined;
      if (typeof value === "number") return Number.isInteger(found) && found >= among[0] && found <= among[1] ? found : undefined;
      return among.includes(found) ? found : undefined;
    });
  }

  function keepSettings(chosen) {
    try { localStorage.setItem(SETTINGS, JSON.stringify(chosen)); } catch { /* full: not kept */ }
    return [];
  }

  const sourceOf = (mark) => mark.closest(".turn").querySelector(`.source[value="${mark.dataset.number}"]`);

  // The quote of a citation, shown beside its number, for pointer and keyboard.
  function quote(mark) {
    let tip = document.getElementById("quotation");
    if (!tip) {
      tip = make("div", { id: "quotation", dir: "auto" });
      tip.setAttribute("role", "tooltip");
      document.body.append(tip);
    }
    document.querySelector("[aria-describedby=quotation]")?.removeAttribute("aria-describedby");
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = sourceOf(mark).dataset.quote;
    mark.setAttribute("aria-describedby", "quotation");
    const place = mark.getBoundingClientRect(), wide = tip.offsetWidth, high = tip.offsetHeight;
    tip.style.left = `${Math.max(8, Math.min(place.left, innerWidth - wide - 8))}px`;
    // Below the number, where it covers neither question nor sentence; above if there is no room.
    tip.style.top = `${place.bottom + high + 12 < innerHeight ? place.bottom + 6 : place.top - high - 6}px`;
  }

  for (const name of ["mouseover", "focusin"]) {
    document.addEventListener(name, (event) => {
      const mark = event.target.closest?.("a.cite");
      if (mark || !event.target.closest?.("#quotation")) quote(mark);
    });
  }
  // Scrolling hides the quote; a number that has the focus is scrolled into view.
  document.addEventListener("scroll", () => {
    if (document.getElementById("quotation")?.hidden === false) quote(document.activeElement.closest("a.cite"));
  }, { capture: true, passive: true });

  // Clicks and keys.
  const acts = {
    async copy(turn, button) {
      await copied(turn.querySelector("[data-markdown]").dataset.markdown);
      button.textContent = "Copied";
    },
    edit(turn) { write(turn.querySelector(".question").textContent, false); },
    graph(turn, button) { from(button); draw(JSON.parse(button.parentElement.dataset.seeds)); },
    async like(turn, button) { await opinion(turn, button, true); },
    async dislike(turn, button) { await opinion(turn, button, false); },
  };

  // Browsers have a clipboard only for pages of this machine and of https; else use execCommand.
  async function copied(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = make("textarea", { value: text });
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }

  async function opinion(turn, button, liked) {
    const kept = await callServer("opinion", {
      question: turn.querySelector(".question").textContent,
      answer: turn.querySelector(".answer").innerText,
      liked,
    });
    if (!kept) return;
    turn.querySelectorAll("[data-act$=like]").forEach((b) => b.setAttribute("aria-pressed", String(b === button)));
  }

  document.addEventListener("click", (event) => {
    const target = event.target.closest?.("a.cite, a[data-note], button.ask, [data-act], #show-graph, #new-chat");
    if (!target) return;
    if (target.tagName === "A") event.preventDefault();
    const turn = target.closest(".turn");
    if (target.matches("a.cite")) {
      from(target);
      read(sourceOf(target).querySelector(".open").dataset);
    } else if (target.dataset.note) {
      from(target);
      read(target.dataset);
    } else if (target.matches("button.ask")) aside(target.textContent, true);
    else if (target.id === "show-graph") { from(target); draw([]); }
    else if (target.id === "new-chat") instead(() => begin(true));
    else if (turn) acts[target.dataset.act]?.(turn, target);
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input, textarea, [contenteditable]");
    const tip = document.getElementById("quotation");
    if (event.key === "Enter" && event.target === box() && !event.shiftKey && !event.isComposing) {
      // Gradio would send the box a moment later, with any text typed until then.
      event.preventDefault();
      submit();
    } else if (event.key === "Escape") {
      if (tip && !tip.hidden) quote(null);
      else if (!pane().hidden) hide();
      else side(false);
    } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (narrow()) { hide(); side(false); }
      box().focus();
    }
  });

  window.ragbot = {
    start(element, given, fire) {
      [root, server, trigger] = [element, given, fire];
      document.documentElement.lang ||= "en";
      if (!pane()) {
        const aside = make("aside", { id: "pane", hidden: true });
        document.body.append(aside);
      }
      list();
      let shown = 0;
      new MutationObserver(() => {
        clearTimeout(waiting);
        waiting = setTimeout(remember, 300);
        // Scroll a new question to the top of the window, so that its answer is in view.
        const all = element.querySelectorAll(".turn");
        if (all.length > shown) all[all.length - 1].scrollIntoView({ block: "start" });
        shown = all.length;
      })
        .observe(element, { childList: true, subtree: true });
      addEventListener("resize", () => drawn?.resize());
    },
    // After the stored conversation is shown, ask the question in the address.
    arrived() {
      restored();
      if (!asked) return;
      // Only once: a reload continues the conversation.
      history.replaceState(null, "", location.pathname);
      write(asked, true);
    },
    // Empty the box when a question is sent, because the answer comes later.
    sent([, ...inputs]) {
      fill("");
      coming = true;
      ended = new Promise((done) => { end = done; });
      number += 1;
      return [number, ...inputs];
    },
    numbered([, streams]) { return [number, streams]; },
    over,
    saved,
    restored,
    last,
    list,
    exported,
    settings,
    keepSettings,
  };
})();
