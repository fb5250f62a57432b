'use strict';
// large.js - trees that are wide, deep, or larger than the window

Object.assign(SUITES, {
  /** Matches too thin to be drawn: 100,000 siblings. */
  async thin() {
    await check('a match within "N smaller" tints it, and Next zooms there', () => {
      reset();
      type('leaf_77777 ');
      const hit = boxes().filter(box => box.rest && app.search.shareOf(box, app.tree) > 0);
      equal(hit.length, 1, 'rests that contain it');
      const box = hit[0];
      equal(String(pixel(Math.max(box.x, 0) + 1, box.row * ROW + 8)), String(rgbOf(app.palette.match.fill)), 'tint');
      app.nextMatch(1);
      equal(app.nameOf(app.selected), 'leaf_77777', 'selected');
      ok(app.selected.width > 1, 'drawn');
    });
    reset();
  },

  async wide() {
    await check('boxes that are too thin are gathered in boxes "N smaller", which zoom', () => {
      reset();
      const rests = app.scene.rows[2];
      ok(rests.length > 3 && rests.every(box => box.rest), 'only rests');
      equal(rests.reduce((count, box) => count + (box.rest.to - box.rest.from), 0), EXPECT.siblings, 'siblings in them');
      equal(sum(rests), EXPECT.total, 'their sum');
      ok(/^[\d,]+ smaller$/.test(app.nameOf(rests[0])), app.nameOf(rests[0]));
      let zooms = 0;
      for (; zooms < 5 && app.scene.rows[app.scene.rows.length - 1][0].rest; zooms++) {
        app.zoomTo(app.scene.rows[app.scene.rows.length - 1][0]);
      }
      ok(zooms > 0 && zooms < 5, `${zooms} zooms`);
      const leaf = app.scene.rows[app.scene.rows.length - 1][0];
      ok(app.nameOf(leaf).startsWith('leaf_'), app.nameOf(leaf));
      const link = location.hash;
      reset();
      location.hash = link;
    });
    await pause(50);
    await check('a link can zoom into a rest', () => ok(app.zoom.rest, 'the zoomed box is not a rest'));
    reset();
  },

  async deep() {
    await check('a stack of thousands is drawn row by row, zoomed and found', () => {
      reset();
      equal(app.scene.rows.length, EXPECT.depth + 1, 'rows');
      key('End');
      equal(app.selected.row, EXPECT.depth, 'End');
      ok(app.graph.scrollTop > EXPECT.depth * ROW - app.graph.clientHeight, 'scrolled there');
      equal(String(pixel(app.graph.clientWidth / 2, 2)), String(rgbOf(app.fillOf(app.roots.callees))), 'the root stays at the top');
      const frame = byId('canvas').getBoundingClientRect();
      equal(app.boxUnder({ clientX: frame.left + 50, clientY: frame.top + 5 }), app.roots.callees, 'and can be clicked');
      key('Enter');
      equal(app.zoom.row, EXPECT.depth, 'zoomed');
      ok(byId('trail').children.length <= 9, 'the breadcrumb stays short');
      reset({ direction: 'flame' });
      app.graph.scrollTop = 0;
      const bottom = app.graph.clientHeight - 4;
      equal(app.boxUnder({ clientX: frame.left + 50, clientY: frame.top + bottom }), app.roots.callees, 'the root stays at the bottom');
      reset();
      const offer = [...byId('filters').children].find(chip => chip.textContent === 'direct recursion as one box?');
      offer.click();
      equal(app.state.recursion, 'collapse', 'offered');
      ok(byId('filters').textContent.includes('recursion collapsed'), 'chip');
      reset({ view: 'inverted' });
      equal(app.scene.rows.length, EXPECT.depth + 1, 'rows inverted');
      reset({ hide: ['f[1-6] '] });
      equal(app.scene.rows.length, Math.ceil(EXPECT.depth / 7) + 1, 'rows when six of seven are hidden');
    });
  },

  async cut() {
    for (const direction of ['icicle', 'flame']) {
      await check(`rows beyond a limit appear when the user scrolls to them: ${direction}`, () => {
        reset({ direction });
        app.limit = 100;
        app.arrange();
        equal(app.scene.rows.length, 102, 'rows at first');
        app.graph.scrollTop = direction === 'flame' ? 0 : app.graph.scrollHeight;
        const seen = app.scene.rows[direction === 'flame' ? 0 : 101][0];
        app.scrolled();
        equal(app.scene.rows.length, 402, 'rows then');
        const y = seen.row * ROW - app.graph.scrollTop;
        ok(y > -ROW && y < app.graph.clientHeight, 'the visible row has moved out of sight');
      });
    }
  },

  /** On a screen of EXPECT.width by EXPECT.height. */
  async small_screen() {
    await check('the graph has a height', () => {
      reset();
      ok(app.graph.clientHeight >= 160, `${app.graph.clientHeight} pixels`);
      ok(document.documentElement.scrollHeight > innerHeight || app.graph.clientHeight + 40 < innerHeight, 'it cannot be scrolled to');
      ok(app.scene && app.scene.boxes > 0, 'nothing is drawn');
    });
  },
});
