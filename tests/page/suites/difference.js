'use strict';
// difference.js - pages of two inputs

Object.assign(SUITES, {
  /** The fixture "diff.folded" of memflame.bats. */
  async difference() {
    const fillOf = name => {
      const box = named(name);
      return String(pixel(Math.round(box.x + box.width / 2), box.row * ROW + 1));
    };
    await check('a box is as wide as the larger side of its stacks, so vanished stacks are visible', () => {
      reset();
      equal(row(0), 'all 287', 'root');
      equal(row(1), 'main 280, same 7', 'first row');
      equal(row(2), 'load 160, old 50, less 40, new 30', 'main calls');
      equal(byId('figures').textContent, '+10 B: from 197 B to 207 B, 5 stacks', 'figures');
    });
    await check('colours show growth, shrinkage, no change, and how much; the legend explains them', () => {
      for (const theme of ['light', 'dark']) {
        reset({ theme });
        const { grew, shrank, none } = app.palette.changes;
        equal(fillOf('load'), String(rgbOf(grew[3])), `${theme}: from 100 to 160, of 207`);
        equal(fillOf('new'), String(rgbOf(grew[2])), `${theme}: new, 30`);
        equal(fillOf('old'), String(rgbOf(shrank[2])), `${theme}: vanished, 50`);
        equal(fillOf('less'), String(rgbOf(shrank[2])), `${theme}: from 40 to 10`);
        equal(fillOf('main'), String(rgbOf(grew[1])), `${theme}: from 190 to 200`);
        equal(fillOf('same'), String(rgbOf(none)), `${theme}: no change`);
        equal(byId('legend').textContent, 'grewshrankbelow 0.5 %', 'legend');
      }
    });
    await check('growth and shrinkage can be distinguished without seeing red, green or blue', () => {
      // Viénot, Brettel and Mollon 1999 for the first two; the third ignores the blue channel.
      const seen = { red: ([r, g, b]) => [0.11 * r + 0.89 * g, 0.11 * r + 0.89 * g, b], green: ([r, g, b]) => [0.29 * r + 0.71 * g, 0.29 * r + 0.71 * g, b], blue: ([r, g]) => [r, g, g] };
      for (const palette of Object.values(PALETTES)) {
        for (const see of Object.values(seen)) {
          const [up, down] = [palette.changes.grew, palette.changes.shrank].map(fills => see(rgbOf(fills[STEPS - 1])));
          ok(Math.hypot(...up.map((c, i) => c - down[i])) > 40, `${up} and ${down} look alike`);
        }
      }
    });
    await check('labels, tooltip and status show before, after and the difference', () => {
      reset();
      equal(app.shortAmountOf(named('load')), '+60 B', 'label');
      equal(app.shortAmountOf(named('less')), '−30 B', 'label of a box that shrank');
      const tooltipOf = name => {
        app.panel.showTooltip(named(name), 9, 9);
        return byId('tooltip').textContent;
      };
      ok(tooltipOf('load').includes('before100 Bafter160 Bdifference+60 B (+60.0 %)'), byId('tooltip').textContent);
      ok(tooltipOf('old').includes('before50 Bafter0 Bdifference−50 B, vanished'), byId('tooltip').textContent);
      ok(tooltipOf('new').includes('difference+30 B, new'), byId('tooltip').textContent);
      ok(tooltipOf('same').includes('differenceno change'), byId('tooltip').textContent);
      app.panel.showTooltip(null);
      app.select(named('less'));
      ok(byId('status').textContent.includes('before 40 B · after 10 B · difference −30 B (−75.0 %)'), byId('status').textContent);
    });
    await check('the width can show one side alone', () => {
      reset();
      key('w');
      equal(row(2), 'load 100, old 50, less 40', 'before');
      key('w');
      equal(row(2), 'load 160, new 30, less 10', 'after');
      if (!EXPECT.inputs) equal([...byId('weight').options].map(option => option.textContent).join(), 'larger side,before,after,change', 'menu');
    });
    await check('the width can be the change of each stack', () => {
      reset({ weight: 3 });
      equal(row(0), 'all 170', 'root');
      equal(row(1), 'main 170', 'what did not change is not drawn');
      equal(row(2), 'load 60, old 50, new 30, less 30', 'main calls');
      equal(app.shortAmountOf(named('less')), '−30 B', 'label');
      key('/');
      type('^l');
      equal(byId('matches').textContent, '+30 B, 90 B, 52.9 % of all, 2 frames', 'matches');
      key('Escape');
      key('w');
      equal(app.state.weight, 0, 'and back');
    });
    await check('both inputs are named, if the lines name them', () => {
      reset();
      if (!EXPECT.inputs) {
        equal(byId('command').hidden, true, 'no names');
        return;
      }
      const [before, after] = EXPECT.inputs;
      equal(byId('command').textContent, `${before} to ${after}`, 'header');
      equal([...byId('weight').options].map(option => option.textContent).join(), `larger side,before (${before}),after (${after}),change`, 'menu');
    });
    await check('what vanished can be left out', () => {
      reset();
      document.querySelector('[data-toggle="vanished"]').click();
      equal(row(2), 'load 160, less 40, new 30', 'main calls');
      ok(byId('figures').textContent.includes('from 147 B to 207 B'), byId('figures').textContent);
      document.querySelector('[data-toggle="vanished"]').click();
      equal(row(2), 'load 160, old 50, less 40, new 30', 'and shown again');
    });
    await check('search, zoom and inverted work as on every page', () => {
      reset();
      app.zoomTo(named('main'));
      equal(row(1), 'main 280', 'zoomed');
      reset();
      key('/');
      type('^l');
      equal(byId('matches').textContent, '+30 B, 200 B, 69.7 % of all, 2 frames', 'matches');
      reset({ view: 'inverted' });
      equal(row(1), 'load 160, old 50, less 40, new 30, same 7', 'inverted');
      equal(changeText(...named('old').amounts.slice(1, 3), 'bytes'), '−50 B', 'inverted difference');
    });
    reset();
  },
});
