'use strict';
// link.js - the state of the view as the part of the page's address after the "#"

/** Everything that a link stores and that Back restores; the first choice is the default. */
const CHOICES = {
  tab: ['graph', 'functions', 'tree'],
  view: ['graph', 'inverted', 'sandwich'],
  weight: [0, 1, 2, 3],                     // index into the profile's weights
  group: ['line', 'function', 'file', 'package'],
  label: ['full', 'function', 'location', 'source', 'module'],
  colour: ['package', 'kind', 'self'],
  imports: ['hide', 'show'],
  native: ['hide', 'some', 'show'],         // some: all except the interpreter's
  startup: ['hide', 'show'],
  processes: ['hide', 'show'],
  threads: ['hide', 'show'],
  allocators: ['hide', 'show'],
  packages: ['hide', 'show'],
  imported: ['show', 'hide'],               // what import statements execute
  strip: ['show', 'hide'],                  // the curves over time
  recursion: ['show', 'collapse'],
  vanished: ['show', 'hide'],               // of a difference: stacks with nothing after
  direction: ['icicle', 'flame'],
  details: ['closed', 'open'],
  theme: ['', 'light', 'dark'],             // '': the system's
  mode: ['alive', 'leaked', 'made', 'temporary'],
};

const TEXTS = ['focus', 'zoom', 'search', 'only', 'from', 'to'];
const LISTS = ['hide', 'keep', 'drop'];

const DEFAULTS = {
  focus: '',    // sandwich: a function, as named by frameName()
  zoom: '',     // a path (MergedTree.pathOf); with '^' before it, in a sandwich's callers
  search: '',
  only: '',     // keep only stacks with code of that package
  from: '',     // milliseconds; '' for a moment
  to: '',       // milliseconds; the moment, if `from` is ''
  hide: [],     // regexps: hide these frames
  keep: [],     // keep only stacks with such a frame
  drop: [],     // leave out stacks with such a frame
  ...Object.fromEntries(Object.entries(CHOICES).map(([name, [usual]]) => [name, usual])),
};

/** encodeURIComponent(), except for characters without a meaning after a "#". */
function encodePart(text) {
  return encodeURIComponent(text).replace(/%(?:2F|3A|2C|3B|40|3C|3E)/g, decodeURIComponent);
}

/** defaults: the state this page opens with, which a link leaves out. */
function toLink(state, defaults) {
  const parts = [];
  for (const [name, usual] of Object.entries(defaults)) {
    if (LISTS.includes(name)) parts.push(...state[name].map(pattern => `${name}=${encodePart(pattern)}`));
    else if (state[name] !== usual) parts.push(`${name}=${encodePart(state[name])}`);
  }
  return `#${parts.join('&')}`;
}

/** Ignores unknown choices: a link may come from another page. */
function fromLink(hash, defaults) {
  const parts = new URLSearchParams(hash.replace(/^#/, '').replace(/\+/g, '%2B'));
  const state = { ...defaults };
  for (const name of LISTS) state[name] = parts.getAll(name);
  for (const name of TEXTS) {
    if (parts.has(name)) state[name] = parts.get(name);
  }
  for (const [name, choices] of Object.entries(CHOICES)) {
    const choice = choices.find(value => parts.has(name) && String(value) === parts.get(name));
    if (choice !== undefined) state[name] = choice;
  }
  return state;
}
