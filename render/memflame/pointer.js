'use strict';
// pointer.js - mouse, wheel and fingers on the graph

const CLICK = 4;            // pixels; moving further is a drag
const LONG_PRESS = 500;     // ms

function bindPointer(app) {
  const { graph } = app;
  const down = new Map();   // pointerId -> {x, y, from}
  let moved = false;
  let press = 0;

  const across = () => {
    const [a, b] = [...down.values()];
    return { width: Math.abs(a.x - b.x), middle: (a.x + b.x) / 2 - graph.getBoundingClientRect().left };
  };

  graph.addEventListener('pointerdown', event => {
    if (event.button) return;
    moved = down.size > 0;
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
    clearTimeout(press);
    if (event.pointerType === 'touch' && down.size === 1) {
      press = setTimeout(() => {
        moved = true;
        app.panel.openBoxMenu(app.boxUnder(event), event);
      }, LONG_PRESS);
    }
  });

  addEventListener('pointermove', event => {
    const start = down.get(event.pointerId);
    if (!start) return;
    const dx = event.clientX - start.x;
    const dy = event.clientY - start.y;
    if (!moved && Math.hypot(dx, dy) < CLICK) return;
    moved = true;
    clearTimeout(press);
    const old = down.size === 2 ? across() : null;
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (old) {
      const now = across();
      app.stretch(old.width / Math.max(now.width, 1), now.middle / graph.clientWidth);
      return;
    }
    if (app.part.to - app.part.from < 1) app.stretch(1, 0.5, -dx / graph.clientWidth);
    if (event.pointerType !== 'touch') graph.scrollTop -= dy;
  });

  const up = event => {
    clearTimeout(press);
    down.delete(event.pointerId);
  };
  addEventListener('pointerup', up);
  addEventListener('pointercancel', up);

  graph.onmousemove = event => app.hover(down.size ? null : app.boxUnder(event), event);
  graph.onmouseleave = () => app.hover(null);
  graph.onclick = event => {
    const box = moved ? null : app.boxUnder(event);
    moved = false;
    app.panel.closeMenus();
    if (!box) return;
    // A finger cannot hover: the first tap selects a box and shows its figures, the second zooms.
    if (event.pointerType === 'touch' && box !== app.selected) app.select(box);
    else app.zoomTo(box);
  };
  graph.ondblclick = event => event.preventDefault();
  graph.oncontextmenu = event => {
    const box = app.boxUnder(event);
    if (!box) return;
    event.preventDefault();
    app.panel.openBoxMenu(box, event);
  };
  graph.addEventListener('wheel', event => {
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      if (app.part.to - app.part.from >= 1) return;
      app.stretch(1, 0.5, (event.deltaX || event.deltaY) / graph.clientWidth);
    } else if (event.ctrlKey || event.metaKey) {
      const at = (event.clientX - graph.getBoundingClientRect().left) / graph.clientWidth;
      app.stretch(Math.exp(event.deltaY / 300), at);
    } else return;
    event.preventDefault();
  }, { passive: false });
}
