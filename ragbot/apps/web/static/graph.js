// The graph of the notes, drawn by force-graph. Loaded when a graph is first opened.
// Text is set by textContent.
(() => {
  "use strict";
  const HUES = ["#3b6fb6", "#b8592b", "#3c8a5a", "#8b5cb0", "#a8832a", "#b0456b", "#2f8c93", "#70757d"];
  // Beyond the colours, predicates differ by strokes: solid, dashed, dotted.
  const STROKES = [["whole", []], ["dashed", [6, 3]], ["dotted", [1.5, 2.5]]];
  const PLAIN = "rgba(128,128,128,.35)", CITED = "#c9632c", NOTE = "#4d7c6f";
  // To draw many links one by one takes a tenth of a second. So draw one stroke per kind, with
  // lines no wider than a point, which a browser without a graphics card draws fast.
  const MANY = 1500;
  // Points of the drawing for each name: a small drawing names only the most linked notes, and more when zoomed in.
  const ROOM = 11000;
  // Greatest distance, in points, at which a node repels another, so that notes without links stay near.
  const NEAR = 250;

  const words = (predicate) => predicate.replaceAll("_", " ");
  const radius = (node) => 2.5 + Math.sqrt(node.degree) * 0.7;
  const span = (text) => Object.assign(document.createElement("span"), { textContent: text });

  // Returns the look of each kind of link: the most frequent kinds differ by colour alone.
  function styles(links) {
    const count = new Map();
    for (const { typed, predicate } of links) if (typed) count.set(predicate, (count.get(predicate) ?? 0) + 1);
    const typed = [...count.keys()].sort((a, b) => count.get(b) - count.get(a) || (a < b ? -1 : 1));
    return new Map(typed.map((predicate, place) => [predicate, {
      hue: HUES[place % HUES.length], stroke: STROKES[Math.floor(place / HUES.length) % STROKES.length],
    }]));
  }

  // `look` returns the colour and the dashes of a link.
  function strokeAll(ctx, scale, links, look) {
    const among = new Map();
    for (const link of links) {
      const key = link.typed ? link.predicate : "";
      if (!among.has(key)) among.set(key, []);
      among.get(key).push(link);
    }
    ctx.lineWidth = 0.9 / scale;
    for (const some of among.values()) {
      const [colour, dashes] = look(some[0]);
      ctx.strokeStyle = colour;
      ctx.setLineDash(dashes.map((length) => length / scale));
      ctx.beginPath();
      for (const { source, target } of some) { ctx.moveTo(source.x, source.y); ctx.lineTo(target.x, target.y); }
      ctx.stroke();
    }
    ctx.setLineDash([]);
  }

  const short = (title, most) => (title.length > most ? `${title.slice(0, most - 1).trimEnd()}…` : title);

  // Names as on a map: the most linked notes first, each where no other name is.
  function names(ctx, scale, nodes, { left, right, top, bottom }, ink, paper, always) {
    const wide = (right - left) * scale, most = (wide * (bottom - top) * scale) / ROOM;
    ctx.font = `${11 / scale}px sans-serif`;
    ctx.textAlign = "center";
    ctx.lineWidth = 3 / scale;
    ctx.lineJoin = "round";
    const placed = [];
    for (const node of nodes) {
      if (placed.length >= most) break;
      if (node.x < left || node.x > right || node.y < top || node.y > bottom) continue;
      const name = node === always ? node.title : short(node.title, wide / 16);
      const half = ctx.measureText(name).width / 2, high = 18 / scale;
      // Move a name at the edge inwards.
      const x = Math.max(left + half, Math.min(right - half, node.x)), y = node.y + radius(node) + 11 / scale;
      const free = placed.every((other) => Math.abs(other.x - x) >= other.half + half || Math.abs(other.y - y) >= high);
      if (!free && node !== always) continue;
      placed.push({ x, y, half });
      ctx.strokeStyle = paper;
      ctx.strokeText(name, x, y);
      ctx.fillStyle = ink;
      ctx.fillText(name, x, y);
    }
  }

  // Draws `data` into an element; returns the functions that control the drawing.
  function draw(place, data, { paper, ink, open }) {
    const known = styles(data.links), off = new Set();
    const shown = (link) => !off.has(link.typed ? link.predicate : "");
    let visible = data.links;
    const colour = (link) => (link.typed ? known.get(link.predicate).hue : PLAIN);
    const dashes = (link) => (link.typed ? known.get(link.predicate).stroke[1] : []);
    const many = data.links.length > MANY;
    // Dashes of many links take a tenth of a second, so draw them when the view rests.
    let moving = true, resting;
    const rest = () => { moving = false; graph.linkVisibility(graph.linkVisibility()); };
    const ranked = [...data.nodes].sort((a, b) => b.seed - a.seed || b.degree - a.degree);
    // The note that is pointed at: its links and neighbours are highlighted.
    let lit = null, beside = [];

    function circle(node, ctx) {
      ctx.beginPath();
      ctx.arc(node.x, node.y, radius(node), 0, 7);
      ctx.fillStyle = node.seed ? CITED : NOTE;
      ctx.strokeStyle = ink;
      ctx.lineWidth = 0.5;
      node.ghost ? ctx.stroke() : ctx.fill();
    }

    function above(ctx, scale) {
      for (const link of beside.filter(shown)) {
        ctx.beginPath();
        ctx.lineWidth = 2.2 / scale;
        ctx.strokeStyle = link.typed ? colour(link) : ink;
        ctx.moveTo(link.source.x, link.source.y);
        ctx.lineTo(link.target.x, link.target.y);
        ctx.stroke();
      }
      const { x: left, y: top } = graph.screen2GraphCoords(0, 0);
      const { x: right, y: bottom } = graph.screen2GraphCoords(graph.width(), graph.height());
      const around = beside.filter(shown).map((link) => (link.source === lit ? link.target : link.source));
      names(ctx, scale, lit ? new Set([lit, ...around]) : ranked, { left, right, top, bottom }, ink, paper, lit);
    }

    const graph = new ForceGraph(place)
      .width(place.clientWidth).height(place.clientHeight).graphData(data)
      .nodeLabel((node) => span(node.title + (node.ghost ? " (not written yet)" : "")))
      .linkLabel((link) => span(`${link.source.title} -${link.predicate}-> ${link.target.title}`))
      .linkVisibility((link) => !many && shown(link))
      .linkColor(colour)
      .linkLineDash(dashes)
      .linkWidth((link) => (link.typed ? 1.6 : 0.6))
      .linkDirectionalArrowLength((link) => (link.typed && data.nodes.length < 300 ? 4 : 0))
      .onRenderFramePre((ctx, scale) => { if (many) strokeAll(ctx, scale, visible, (link) => [colour(link), moving ? [] : dashes(link)]); })
      .nodeCanvasObject(circle)
      .onRenderFramePost(above)
      .onNodeHover((node) => {
        lit = node;
        beside = node ? data.links.filter((link) => link.source === node || link.target === node) : [];
      })
      .onNodeClick(open)
      .cooldownTime(4000);

    graph.d3Force("charge").distanceMax(NEAR);
    const fit = () => graph.zoomToFit(300, 40);
    let fitted = false, closed = false;
    graph.onEngineStop(() => {
      if (closed) return;
      if (!fitted) { fitted = true; fit(); }
      rest();
    });
    if (many) graph.onZoom(() => {
      moving = true;
      clearTimeout(resting);
      resting = setTimeout(() => { if (!closed) rest(); }, 200);
    });
    setTimeout(() => { if (!closed) fit(); }, 900);
    return {
      fit,
      zoom: (factor) => graph.zoom(graph.zoom() * factor, 200),
      resize: () => graph.width(place.clientWidth).height(place.clientHeight),
      // Shows or hides a kind of link; "" is a plain one.
      toggle: (predicate) => {
        off.delete(predicate) || off.add(predicate);
        visible = data.links.filter(shown);
        graph.linkVisibility(graph.linkVisibility());
      },
      close: () => { closed = true; graph._destructor(); },
    };
  }

  // The legend; each kind of link can be hidden in it.
  function legend(data, toggle) {
    const list = document.createElement("ul");
    list.className = "legend";
    list.setAttribute("aria-label", "Legend");
    const row = (content, kind, hue) => {
      const item = document.createElement("li");
      item.className = kind;
      if (hue) item.style.setProperty("--hue", hue);
      item.append(content);
      list.append(item);
    };
    if (data.nodes.some((node) => node.seed)) row(span("cited, or on the way there"), "dot", CITED);
    row(span("note"), "dot", NOTE);
    if (data.nodes.some((node) => node.ghost)) row(span("not written yet"), "ring");
    const kinds = [...styles(data.links)].map(([name, { hue, stroke }]) => [name, stroke[0], hue]);
    if (data.links.some((link) => !link.typed)) kinds.push(["", "whole", PLAIN]);
    for (const [predicate, kind, hue] of kinds) {
      const button = Object.assign(document.createElement("button"), {
        type: "button", textContent: predicate ? words(predicate) : "plain link", ariaPressed: "true",
        title: "Show or hide these links",
      });
      button.onclick = () => {
        toggle(predicate);
        button.ariaPressed = String(button.ariaPressed !== "true");
      };
      row(button, kind, hue);
    }
    return list;
  }

  window.ragbotGraph = { draw, legend };
})();
