'use strict';
// figures.js - response times, for tests/page/measure.py

Object.assign(SUITES, {
  /** Response times in milliseconds, from the action to its pixels. Needs a real clock. */
  async figures() {
    const measure = (name, action) => {
      const times = [];
      for (let i = 0; i < 3; i++) {
        reset();
        const begin = performance.now();
        action();
        pixel(0, 0);
        times.push(performance.now() - begin);
      }
      figures[name] = Math.round(times.sort((a, b) => a - b)[1]);
    };
    figures.first = Math.round(app.drawn);
    figures.whole = Math.round(app.started);
    figures.nodes = app.profile.count;
    figures.boxes = app.scene.boxes;
    measure('search', () => app.searchFor('json'));
    const child = app.tree.childrenOf(app.tree.childrenOf(app.roots.callees)[0])[0];
    const path = app.tree.pathOf(child);
    measure('zoom', () => app.zoomTo(app.find(path)));
    measure('inverted', () => app.setView('inverted'));
    measure('hide', () => app.add('hide', '_1'));
    measure('function', () => app.cycle('group'));
    measure('sandwich', () => {
      app.select(app.find(path));
      app.sandwich();
    });
    if (app.time) {
      figures.intervals = app.profile.time.intervals.rows;
      const { end } = app.profile.time;
      measure('brush', () => app.go({ mode: 'leaked', from: String(Math.floor(end / 4)), to: String(Math.floor(end / 2)) }));
      measure('moment', () => app.go({ mode: 'alive', to: String(Math.floor(end / 3)) }));
    }
    measure('repaint', () => app.paint());
    if (performance.memory) figures.heap_mb = Math.round(performance.memory.usedJSHeapSize / 1e6);
    passed.push('figures');
  },
});
