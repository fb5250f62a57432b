'use strict';
// keys.js - the keyboard

/** Keys, what they do (App's methods), and what the help says. */
const KEYS = [
  { keys: ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'], shown: '← ↑ → ↓', help: 'select the next box in that direction' },
  { keys: ['Enter'], shown: 'Enter', help: 'zoom into the selected box', run: app => app.zoomTo(app.selected) },
  { keys: ['Backspace'], shown: 'Backspace', help: 'zoom out by one', run: app => app.zoomOut() },
  { keys: ['Escape'], shown: 'Esc', help: 'end the search, then the zoom, then the view', run: app => app.escape() },
  { keys: ['Home'], shown: 'Home', help: 'select the box that fills the width', run: app => app.selectZoomed() },
  { keys: ['End'], shown: 'End', help: 'follow the largest boxes to the last', run: app => app.selectHeaviest() },
  { keys: ['/'], shown: '/', help: 'search: a regular expression on function, file and line', run: app => app.panel.focusSearch() },
  { keys: ['n'], shown: 'n', help: 'select the next match', run: app => app.nextMatch(1) },
  { keys: ['N'], shown: 'N', help: 'select the previous match', run: app => app.nextMatch(-1) },
  { keys: ['i'], shown: 'i', help: 'inverted: what allocates first, its callers below', run: app => app.toggleInverted() },
  { keys: ['s'], shown: 's', help: 'sandwich: all callers and callees of the selected function', run: app => app.toggleSandwich() },
  { keys: ['f'], shown: 'f', help: 'flame (root at the bottom) or icicle', run: app => app.cycle('direction') },
  { keys: ['w'], shown: 'w', help: 'widths are bytes, or allocations', run: app => app.cycle('weight') },
  { keys: ['g'], shown: 'g', help: 'a box is a line, a function, or a file', run: app => app.cycle('group') },
  { keys: ['l'], shown: 'l', help: 'labels: function and place, function, place', run: app => app.cycle('label') },
  { keys: ['h'], shown: 'h', help: 'hide or show the import machinery', run: app => app.cycle('imports') },
  { keys: ['x'], shown: 'x', help: 'hide the selected function everywhere', run: app => app.hideSelected() },
  { keys: ['r'], shown: 'r', help: 'draw direct recursion as one box', run: app => app.cycle('recursion') },
  { keys: ['t'], shown: 't', help: 'light or dark', run: app => app.toggleTheme() },
  { keys: ['?'], shown: '?', help: 'this help', run: app => app.panel.toggleHelp() },
];

const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/** In fields letters are text; on buttons and menus Enter and arrows are theirs. */
function isTaken(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  const control = event.target.closest && event.target.closest('input, select, button, dialog');
  if (!control) return false;
  if (control.matches('input, dialog')) return true;
  if (event.key === 'Enter' || event.key === ' ') return true;
  return control.matches('select') && event.key !== 'Escape' && event.key !== '/';
}

function bindKeys(app) {
  document.addEventListener('keydown', event => {
    if (isTaken(event)) return;
    const arrow = ARROWS[event.key];
    const entry = KEYS.find(({ keys }) => keys.includes(event.key));
    if (!entry) return;
    if (arrow) app.move(...arrow);
    else entry.run(app);
    event.preventDefault();
  });
}
