// Replaces the page by a drawing of itself: boxes with their fill and border, and lines of text, as one SVG element.
(async () => {
  const width = window.innerWidth, height = window.innerHeight, parts = [];
  let last; // the line of text that was drawn last: what follows it without a gap joins it
  while (!document.querySelector(".opblock-summary-path")) await new Promise((done) => setTimeout(done, 50));
  await new Promise((done) => setTimeout(done, 500));

  const number = (value) => String(Math.round(value * 10) / 10);
  const clear = (colour) => colour === "transparent" || /, 0\)$/.test(colour);
  const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
  const inside = (box) => box.width > 0 && box.height > 0 && box.top < height && box.left < width && box.bottom > 0;
  const line = (x1, y1, x2, y2, stroke) =>
    parts.push(`<path d="M${[x1, y1].map(number)}L${[x2, y2].map(number)}" stroke="${stroke}"/>`);

  function box(element, style) {
    const at = element.getBoundingClientRect();
    if (!inside(at)) return;
    const filled = !clear(style.backgroundColor);
    const sides = ["Top", "Right", "Bottom", "Left"].map((side) => parseFloat(style[`border${side}Width`])
      && style[`border${side}Style`] !== "none" && !clear(style[`border${side}Color`]) ? style[`border${side}Color`] : "");
    const framed = sides.every((side) => side && side === sides[0]);
    if (filled || framed) {
      const fill = filled ? style.backgroundColor : "none", stroke = framed ? ` stroke="${sides[0]}"` : "";
      const round = Math.min(parseFloat(style.borderTopLeftRadius) || 0, at.height / 2);
      const size = `width="${number(Math.min(at.width, width - at.left))}" height="${number(at.height)}"`;
      last = undefined;
      parts.push(`<rect x="${number(at.left)}" y="${number(at.top)}" ${size} rx="${number(round)}" fill="${fill}"${stroke}/>`);
    }
    if (framed) return;
    if (sides[0]) line(at.left, at.top, at.right, at.top, sides[0]);
    if (sides[2]) line(at.left, at.bottom, at.right, at.bottom, sides[2]);
  }

  function text(node, style) {
    const range = document.createRange(), rows = [];
    for (const word of node.data.matchAll(/\S+/g)) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const at = range.getBoundingClientRect();
      if (!inside(at) || at.bottom > height) continue;
      const row = rows.at(-1);
      if (row && Math.abs(row.at.top - at.top) < 2) row.words.push(word[0]), (row.right = at.right);
      else rows.push({ at, words: [word[0]], right: at.right });
    }
    const size = parseFloat(style.fontSize), family = style.fontFamily.includes("monospace") ? "monospace" : "sans-serif";
    const look = `font-size="${number(size)}" font-weight="${style.fontWeight}" font-family="${family}" fill="${style.color}"`;
    for (const { at, words, right } of rows) {
      const joins = last && last.look === look && Math.abs(last.at.top - at.top) < 2 && Math.abs(last.right - at.left) < 1;
      if (joins) parts.pop();
      last = joins ? { ...last, right, text: last.text + words.join(" ") } : { look, at, right, text: words.join(" ") };
      const place = `x="${number(last.at.left)}" y="${number(last.at.top + last.at.height / 2 + size * 0.35)}"`;
      parts.push(`<text ${place} ${look} textLength="${number(right - last.at.left)}">${escape(last.text)}</text>`);
    }
  }

  (function walk(element) {
    const style = getComputedStyle(element);
    if (style.display === "none" || style.visibility === "hidden" || style.opacity === "0") return;
    box(element, style);
    for (const child of element.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) text(child, style);
      else if (child instanceof HTMLElement && !(child instanceof HTMLScriptElement)) walk(child);
    }
  })(document.body);

  const white = `<rect width="${width}" height="${height}" fill="#fff"/>`;
  const size = `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`;
  document.body.innerHTML =
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} fill="none">${[white, ...parts].join("\n")}</svg>`;
})();
