'use strict';
// axe.js - accessibility, judged by axe-core (`make axe` installs it; tests/page.bats adds it to the page)

Object.assign(SUITES, {
  /** A page of a trace, in both themes: each tab, the menus, the details and the help. */
  async axe() {
    const states = { graph: {}, searched: { search: 'load' }, inverted: { view: 'inverted' }, functions: { tab: 'functions' }, tree: { tab: 'tree' }, filtered: { hide: ['x'], only: 'own code' } };
    const look = async name => check(`axe-core finds nothing: ${name}`, async () => {
      const { violations } = await axe.run(document, { resultTypes: ['violations'] });
      ok(!violations.length, violations.map(({ id, nodes }) => `${id} at ${nodes.map(node => node.html.slice(0, 100)).join(', ')}`).join('; '));
    });
    for (const theme of ['light', 'dark']) {
      for (const [name, changes] of Object.entries(states)) {
        reset({ theme, ...changes });
        await look(`${name}, ${theme}`);
      }
      reset({ theme, details: 'open' });
      app.select(app.tree.childrenOf(app.roots.callees)[0]);
      await look(`details, ${theme}`);
      for (const id of ['show-menu', 'save-menu']) {
        byId(id).open = true;
        await look(`${id}, ${theme}`);
        byId(id).open = false;
      }
      app.panel.openBoxMenu(app.selected);
      await look(`menu of a box, ${theme}`);
      app.panel.closeMenus();
      key('?');
      await look(`help, ${theme}`);
      byId('help').close();
    }
    reset();
  },
});
