'use strict';
// looks.js - colours, contrast and accessibility

Object.assign(SUITES, {
  async dark() {
    await check('the page is dark if the system is, unless the user chose otherwise', () => {
      ok(matchMedia('(prefers-color-scheme: dark)').matches, 'the browser is not dark');
      reset();
      equal(app.isDark(), true, 'dark');
      equal(getComputedStyle(document.body).backgroundColor, 'rgb(20, 23, 27)', 'page');
      reset({ theme: 'light' });
      equal(app.isDark(), false, 'light');
    });
  },

  async accessible() {
    await check('text has a contrast of at least 4.5 in both themes', () => {
      for (const [theme, palette] of Object.entries(PALETTES)) {
        const { none, grew, shrank } = palette.changes;
        const pairs = [palette.own, ...palette.packages, palette.neutral, palette.stdlib, ...palette.kinds, ...palette.self, none, ...grew, ...shrank].flatMap(fill => [[palette.text, fill], [palette.quiet, fill]]);
        for (const look of [palette.rest, palette.dim, palette.match, palette.focus]) pairs.push([look.text, look.fill], [look.quiet || look.text, look.fill]);
        for (const [text, fill] of pairs) ok(contrast(text, fill) >= 4.5, `${theme}: ${text} on ${fill} has ${contrast(text, fill).toFixed(2)}`);
        document.documentElement.style.colorScheme = theme;
        for (const element of [byId('figures'), byId('status'), byId('title'), document.querySelector('#tools > label'), ...document.querySelectorAll('[aria-pressed="true"]'), byId('matches')]) {
          let ground = element;
          while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
          const ratio = contrast(getComputedStyle(element).color, getComputedStyle(ground).backgroundColor);
          ok(ratio >= 4.5, `${theme}: ${element.id || element.tagName} has ${ratio.toFixed(2)}`);
        }
      }
    });
    await check('all controls, including the canvas, have names, and selections are announced', () => {
      for (const control of document.querySelectorAll('button, select, input')) {
        const name = control.getAttribute('aria-label') || control.textContent.trim() || (control.closest('label') || {}).textContent;
        ok(name && name.trim(), `${control.outerHTML.slice(0, 60)} has no name`);
      }
      equal(byId('canvas').getAttribute('role'), 'application', 'role');
      equal(byId('canvas').tabIndex, 0, 'can be reached by Tab');
      equal(byId('status').getAttribute('aria-live'), 'polite', 'status');
    });
    reset();
  },
});
