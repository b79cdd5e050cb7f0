// What the page does beyond Gradio's own events: the reading pane, the graph, the conversations.
// Every text is put in place by textContent; HTML comes only from the server, which escapes it.
(() => {
  "use strict";
  const KEY = "ragbot.conversations";
  const make = (tag, attributes = {}, text = "") => {
    const made = Object.assign(document.createElement(tag), attributes);
    if (text) made.textContent = text;
    return made;
  };
  let server, trigger, root, opener, drawn;
  let current = crypto.randomUUID ? crypto.randomUUID() : String(Date.now());

  const box = () => document.querySelector("#question textarea");

  function write(question, send) {
    const field = box();
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(field, question);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
    if (send) setTimeout(() => document.querySelector("#question .submit-button")?.click(), 60);
  }

  // The reading pane.
  const pane = () => document.getElementById("pane");

  function show(label, ...content) {
    const aside = pane();
    const close = make("button", { type: "button", className: "close", ariaLabel: "Close" }, "×");
    close.onclick = hide;
    aside.replaceChildren(close, ...content);
    aside.setAttribute("aria-label", label);
    aside.hidden = false;
    document.body.classList.add("reading");
  }

  function hide() {
    if (!pane() || pane().hidden) return;
    drawn?._destructor?.();
    drawn = null;
    pane().hidden = true;
    document.body.classList.remove("reading", "drawing");
    opener?.focus?.();
  }

  async function read(note, start, end, from) {
    quote(null);
    if (from && !pane().contains(from)) opener = from;
    const html = await server.read_note({ note, start, end });
    document.body.classList.remove("drawing");
    const inside = make("article");
    inside.innerHTML = html;
    const title = inside.querySelector("#note-title");
    if (title) title.parentElement.append(make("button", { type: "button", className: "chip ask", dir: "auto" },
      `What do the notes say about ${title.textContent}?`));
    show("Note", inside);
    pane().scrollTop = 0;
    inside.querySelector("mark")?.scrollIntoView({ block: "center" });
    inside.querySelector("#note-title")?.focus({ preventScroll: true });
  }

  // The graph.
  function library() {
    if (window.ForceGraph) return Promise.resolve();
    return new Promise((done, fail) => {
      const script = make("script", { src: "ragbot/force-graph.min.js", onload: done, onerror: fail });
      document.head.append(script);
    });
  }

  const colours = ["#3b6fb6", "#b8592b", "#3c8a5a", "#8b5cb0", "#a8832a", "#b0456b", "#2f8c93", "#70757d"];
  const hue = (predicates, name) => colours[predicates.indexOf(name) % colours.length];
  // Past the colours, strokes tell predicates apart: whole, dashed, dotted.
  const strokes = [[], [6, 3], [1.5, 2.5]];
  const stroke = (predicates, name) => Math.floor(predicates.indexOf(name) / colours.length) % strokes.length;

  // Of many links, each drawn by itself takes a tenth of a second: they go in one stroke per
  // colour, as lines no wider than a point, which a browser without a graphics card draws fast.
  const MANY = 1500;

  function strokesOf(links, colour) {
    const strokes = new Map();
    for (const link of links) {
      if (!strokes.has(colour(link))) strokes.set(colour(link), []);
      strokes.get(colour(link)).push(link);
    }
    return (ctx, scale) => {
      ctx.lineWidth = 0.9 / scale;
      for (const [style, among] of strokes) {
        ctx.strokeStyle = style;
        ctx.beginPath();
        for (const { source, target } of among) { ctx.moveTo(source.x, source.y); ctx.lineTo(target.x, target.y); }
        ctx.stroke();
      }
    };
  }

  async function draw(seeds) {
    const [data] = await Promise.all([server.draw({ seeds }), library()]);
    const typed = [...new Set(data.links.filter((l) => l.typed).map((l) => l.predicate))].sort();
    document.body.classList.add("drawing");
    const canvas = make("div", { className: "canvas" });
    const legend = make("ul", { className: "legend", ariaLabel: "Legend" });
    for (const name of typed) {
      const row = make("li", {}, name.replaceAll("_", " "));
      row.style.setProperty("--hue", hue(typed, name));
      row.className = ["whole", "dashed", "dotted"][stroke(typed, name)];
      legend.append(row);
    }
    const told = `${data.nodes.length} notes, ${data.links.length} links`;
    const list = make("details");
    list.append(make("summary", {}, "The same as a list"));
    for (const node of [...data.nodes].sort((a, b) => b.degree - a.degree).slice(0, 100)) {
      const row = node.ghost ? make("span", { className: "ghost" }, node.title)
        : make("a", { href: "#note", className: "wikilink" }, node.title);
      if (!node.ghost) row.dataset.note = node.id;
      list.append(row);
    }
    show("Graph", make("h2", {}, seeds?.length ? "Around this answer" : "The whole garden"),
      make("p", { className: "place" }, told), canvas, legend, list);
    const ink = getComputedStyle(document.body).color;
    const colour = (l) => (l.typed ? hue(typed, l.predicate) : "rgba(128,128,128,.35)");
    const many = data.links.length > MANY, all = many && strokesOf(data.links, colour);
    // The note that is pointed at: its links and neighbours stand out.
    let lit = null, beside = [];
    const size = (n) => 2.5 + Math.sqrt(n.degree) * 0.7;
    const paper = getComputedStyle(pane()).backgroundColor;
    const ranked = [...data.nodes].sort((a, b) => b.seed - a.seed || b.degree - a.degree);
    // Names as on a map: the best linked notes first, each where no other name stands.
    function names(ctx, scale) {
      ctx.font = `${11 / scale}px sans-serif`;
      ctx.textAlign = "center";
      ctx.lineWidth = 3 / scale;
      ctx.lineJoin = "round";
      const around = lit ? beside.map((l) => (l.source === lit ? l.target : l.source)) : [];
      const { x: left, y: top } = drawn.screen2GraphCoords(0, 0);
      const { x: right, y: bottom } = drawn.screen2GraphCoords(drawn.width(), drawn.height());
      const placed = [];
      for (const n of lit ? [lit, ...new Set(around)] : ranked) {
        if (placed.length >= 60) break;
        if (n.x < left || n.x > right || n.y < top || n.y > bottom) continue;
        const half = ctx.measureText(n.title).width / 2, y = n.y + size(n) + 11 / scale, high = 13 / scale;
        if (n !== lit && placed.some((p) => Math.abs(p.x - n.x) < p.half + half && Math.abs(p.y - y) < high)) continue;
        placed.push({ x: n.x, y, half });
        ctx.strokeStyle = paper;
        ctx.strokeText(n.title, n.x, y);
        ctx.fillStyle = ink;
        ctx.fillText(n.title, n.x, y);
      }
    }
    drawn = new ForceGraph(canvas)
      .width(canvas.clientWidth).height(canvas.clientHeight).graphData(data)
      .nodeLabel((n) => { const tip = make("span", {}, n.title + (n.ghost ? " (not written yet)" : "")); return tip; })
      .linkLabel((l) => make("span", {}, l.predicate.replaceAll("_", " ")))
      .linkVisibility(!many)
      .linkColor(colour)
      .linkLineDash((l) => (l.typed ? strokes[stroke(typed, l.predicate)] : []))
      .linkWidth((l) => (l.typed ? 1.6 : 0.6))
      .linkDirectionalArrowLength((l) => (l.typed && data.nodes.length < 300 ? 4 : 0))
      .onRenderFramePre((ctx, scale) => { if (many) all(ctx, scale); })
      .nodeCanvasObject((n, ctx, scale) => {
        ctx.beginPath();
        ctx.arc(n.x, n.y, size(n), 0, 7);
        ctx.fillStyle = n.seed ? "#c9632c" : "#4d7c6f";
        ctx.strokeStyle = ink;
        ctx.lineWidth = 0.5;
        n.ghost ? ctx.stroke() : ctx.fill();
      })
      .onRenderFramePost((ctx, scale) => {
        for (const { source, target, typed, predicate } of beside) {
          ctx.beginPath();
          ctx.lineWidth = 2.2 / scale;
          ctx.strokeStyle = typed ? colour({ typed, predicate }) : ink;
          ctx.moveTo(source.x, source.y);
          ctx.lineTo(target.x, target.y);
          ctx.stroke();
        }
        names(ctx, scale);
      })
      .onNodeHover((n) => {
        lit = n;
        beside = n ? data.links.filter((l) => l.source === n || l.target === n) : [];
      })
      .onNodeClick((n) => n.ghost ? write(`What do the notes say about ${n.title}?`, false) : read(n.id))
      .cooldownTime(4000);
    let fitted = false;
    drawn.onEngineStop(() => { if (!fitted) { fitted = true; drawn?.zoomToFit(300, 30); } });
    setTimeout(() => drawn?.zoomToFit(300, 30), 900);
    pane().querySelector(".close").focus();
  }

  // Conversations: kept in this browser only.
  const kept = () => { try { return JSON.parse(localStorage.getItem(KEY)) || []; } catch { return []; } };
  const keep = (all) => { try { localStorage.setItem(KEY, JSON.stringify(all.slice(0, 50))); } catch { /* full: not kept */ } };

  function turns() {
    return [...root.querySelectorAll(".turn")].map((turn) => ({
      question: turn.querySelector(".question").textContent, html: turn.outerHTML,
    }));
  }

  function remember() {
    const said = turns();
    if (!said.length || root.querySelectorAll(".turn .actions").length < said.length) return;
    const all = kept(), at = all.findIndex((talk) => talk.id === current);
    const name = at >= 0 ? all[at].name : said[0].question.slice(0, 80);
    if (at >= 0) all.splice(at, 1);
    keep([{ id: current, name, turns: said }, ...all]);
    list();
  }

  function markdown(talk) {
    return talk.turns.map(({ question, html }) => {
      const turn = new DOMParser().parseFromString(html, "text/html");
      const links = new Map([...turn.querySelectorAll(".source")].map((source) =>
        [source.value, `[[${source.querySelector(".open").dataset.note.replace(/\.md$/, "")}]]`]));
      turn.querySelectorAll(".sources, .actions, .followups").forEach((part) => part.remove());
      turn.querySelectorAll(".cite").forEach((mark) => mark.replaceWith(` (${links.get(+mark.dataset.number)})`));
      turn.querySelectorAll("li").forEach((item) => item.prepend("- "));
      const said = [...turn.querySelectorAll(".answer p, .answer li")].map((part) => part.textContent.trim());
      return `## ${question}\n\n${said.join("\n\n")}\n`;
    }).join("\n");
  }

  function save(talk) {
    const link = make("a", { download: `${talk.name.replace(/[^\p{L}\p{N} ]/gu, "").trim() || "conversation"}.md` });
    link.href = URL.createObjectURL(new Blob([`# ${talk.name}\n\n${markdown(talk)}`], { type: "text/markdown" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function list() {
    const place = document.getElementById("conversations");
    if (!place) return;
    place.replaceChildren(...kept().map((talk) => {
      const row = make("li");
      const open = make("button", { type: "button", className: "talk" }, talk.name);
      open.dir = "auto";
      if (talk.id === current) open.setAttribute("aria-current", "true");
      open.onclick = () => { current = talk.id; trigger("restore", { turns: talk.turns }); list(); };
      const act = (name, does) => {
        const button = make("button", { type: "button" }, name);
        button.setAttribute("aria-label", `${name}: ${talk.name}`);
        button.onclick = does;
        return button;
      };
      row.append(open,
        act("Rename", () => {
          const name = window.prompt("Name of the conversation", talk.name);
          if (name) { keep(kept().map((t) => (t.id === talk.id ? { ...t, name } : t))); list(); }
        }),
        act("Export", () => save(talk)),
        act("Delete", () => { keep(kept().filter((t) => t.id !== talk.id)); list(); }));
      return row;
    }));
  }

  // Settings: what this browser chose last, as far as it is still possible.
  const SETTINGS = "ragbot.chosen";

  function settings(usual, known) {
    let chosen;
    try { chosen = JSON.parse(localStorage.getItem(SETTINGS)); } catch { /* as usual */ }
    if (!Array.isArray(chosen)) return usual;
    return usual.map((value, place) => {
      const found = chosen[place], among = known[place];
      if (typeof value === "boolean") return typeof found === "boolean" ? found : value;
      if (typeof value === "number") return Number.isInteger(found) && found >= among[0] && found <= among[1] ? found : value;
      return Array.isArray(found) ? found.filter((name) => among.includes(name)) : value;
    });
  }

  function keepSettings(chosen) {
    try { localStorage.setItem(SETTINGS, JSON.stringify(chosen)); } catch { /* full: not kept */ }
    return [];
  }

  // The quotation of a citation, beside its mark, for pointer and keyboard alike.
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
    tip.textContent = mark.dataset.quote;
    mark.setAttribute("aria-describedby", "quotation");
    const place = mark.getBoundingClientRect(), wide = tip.offsetWidth, high = tip.offsetHeight;
    tip.style.left = `${Math.max(8, Math.min(place.left, innerWidth - wide - 8))}px`;
    tip.style.top = `${place.top > high + 12 ? place.top - high - 6 : place.bottom + 6}px`;
  }

  for (const name of ["mouseover", "focusin"]) {
    document.addEventListener(name, (event) => {
      const mark = event.target.closest?.("a.cite");
      if (mark || !event.target.closest?.("#quotation")) quote(mark);
    });
  }
  document.addEventListener("scroll", () => quote(null), { capture: true, passive: true });

  // Clicks and keys.
  const acts = {
    copy(turn, button) {
      const text = [...turn.querySelectorAll(".answer > p, .answer > ul, .silent")].map((p) => p.innerText).join("\n\n");
      navigator.clipboard?.writeText(text).then(() => { button.textContent = "Copied"; });
    },
    edit(turn) { write(turn.querySelector(".question").textContent, false); },
    graph(turn, button) { opener = button; draw(JSON.parse(button.parentElement.dataset.seeds)); },
    async like(turn, button) { await opinion(turn, button, true); },
    async dislike(turn, button) { await opinion(turn, button, false); },
  };

  async function opinion(turn, button, liked) {
    await server.opinion({
      question: turn.querySelector(".question").textContent,
      answer: turn.querySelector(".answer").innerText,
      liked,
    });
    turn.querySelectorAll("[data-act$=like]").forEach((b) => b.setAttribute("aria-pressed", String(b === button)));
  }

  document.addEventListener("click", (event) => {
    const target = event.target.closest?.("a.cite, a[data-note], button.ask, [data-act], #whole-garden, #new-talk");
    if (!target) return;
    if (target.tagName === "A") event.preventDefault();
    const turn = target.closest(".turn");
    if (target.matches("a.cite")) {
      const source = turn.querySelector(`.source[value="${target.dataset.number}"] .open`);
      read(source.dataset.note, +source.dataset.start, +source.dataset.end, target);
    } else if (target.dataset.note) {
      const { note, start, end } = target.dataset;
      read(note, start ? +start : null, end ? +end : null, target);
    } else if (target.matches("button.ask")) write(target.textContent, true);
    else if (target.id === "whole-garden") { opener = target; draw([]); }
    else if (target.id === "new-talk") { current = crypto.randomUUID(); trigger("restore", { turns: [] }); list(); box().focus(); }
    else if (turn) acts[target.dataset.act]?.(turn, target);
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input, textarea, [contenteditable]");
    const tip = document.getElementById("quotation");
    if (event.key === "Escape") tip && !tip.hidden ? quote(null) : hide();
    else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) { event.preventDefault(); box().focus(); }
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
      let waiting, asked = 0;
      new MutationObserver(() => {
        clearTimeout(waiting);
        waiting = setTimeout(remember, 300);
        // A new question goes to the top of the window, where its answer will be read.
        const all = element.querySelectorAll(".turn");
        if (all.length > asked) all[all.length - 1].scrollIntoView({ block: "start" });
        asked = all.length;
      })
        .observe(element, { childList: true, subtree: true });
      const question = new URLSearchParams(location.search).get("q");
      if (question) setTimeout(() => write(question, true), 300);
    },
    list,
    markdown,
    settings,
    keepSettings,
  };
})();
