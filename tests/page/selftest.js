'use strict';
// selftest.js - checks of memflame's page, run in the page: the tools, and the runner of the suites
//
// tests/memflame.bats appends to a page: a script that defines EXPECT, {total, suites: [names], ...},
// and a script that consists of this file and suites/*.js, which add to SUITES. The result is JSON in
// <script id="selftest">: {passed: [...], failed: [...], figures: {...}}.

/** The suites: async functions by name. */
const SUITES = {};

const passed = [];
const failed = [];
const figures = {};
const errors = [];
addEventListener('error', event => errors.push(String(event.message)));
addEventListener('unhandledrejection', event => errors.push(String(event.reason)));
addEventListener('securitypolicyviolation', event => errors.push(`blocked: ${event.blockedURI}`));

// ------------------------------------------------------------ tools

function equal(found, wanted, what) {
  if (found !== wanted) throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
}

function ok(condition, what) {
  if (!condition) throw new Error(what);
}

async function check(sentence, test) {
  try {
    await test();
    passed.push(sentence);
  } catch (error) {
    failed.push(`${sentence}: ${error.message}`);
  }
}

function key(name, options = {}) {
  const target = document.activeElement || document.body;
  target.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true, ...options }));
}

function type(text) {
  byId('search').value = text;
  byId('search').dispatchEvent(new Event('input', { bubbles: true }));
}

/** Back to the state in which the page opens, but with C functions shown. */
function reset(changes = {}) {
  app.selected = null;
  app.part = { from: 0, to: 1 };
  app.arrange();
  app.go({ ...app.defaults, native: 'show', ...changes });
  app.focusGraph();
}

function boxes() {
  return app.scene.rows.flat();
}

function named(name, row) {
  const found = (row === undefined ? boxes() : app.scene.rows[row]).find(box => app.nameOf(box) === name);
  ok(found, `no box is called ${name}`);
  return found;
}

const value = box => app.tree.value(box);
const sum = list => list.reduce((total, box) => total + value(box), 0);

/** "name value" of each box of a row. */
function row(n) {
  return (app.scene.rows[n] || []).map(box => `${app.nameOf(box)} ${value(box)}`).join(', ');
}

/** Checks that boxes of a row do not overlap or leave the page, and do not have less than their children. */
function checkRows() {
  const rows = app.scene.upward ? [...app.scene.rows].reverse() : app.scene.rows;
  rows.forEach((list, y) => {
    let x = -1e-6;
    for (const box of list) {
      ok(box.x >= x - 1e-6, `row ${y}: boxes overlap`);
      x = box.x + box.width;
      ok(box.width >= 0 && x <= app.graph.clientWidth + 1e-3, `row ${y}: a box leaves the page`);
    }
  });
  for (const box of boxes()) {
    if (!box.rest) ok(sum(app.tree.childrenOf(box)) <= value(box) + 1e-6, `${app.nameOf(box)} has less than its children`);
  }
}

/** The colour of a pixel, after painting. */
function pixel(x, y) {
  app.paint();
  const scale = devicePixelRatio || 1;
  return [...app.painter.context.getImageData(Math.round(x * scale), Math.round(y * scale), 1, 1).data].slice(0, 3);
}

function rgbOf(colour) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const context = canvas.getContext('2d');
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

function luminance(rgb) {
  const [r, g, b] = rgb.map(c => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [high, low] = [luminance(rgbOf(a)), luminance(rgbOf(b))].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const pause = milliseconds => new Promise(resume => setTimeout(resume, milliseconds));

async function back() {
  const done = new Promise(resume => addEventListener('popstate', resume, { once: true }));
  history.back();
  await done;
}

async function selftest() {
  for (let i = 0; i < 400 && !(app && app.started) && byId('failure').hidden; i++) await pause(20);
  if (!app) failed.push(`the page did not start: ${byId('failure').textContent}`);
  else for (const suite of EXPECT.suites) await SUITES[suite]();
  const result = document.createElement('script');
  result.type = 'text/plain';
  result.id = 'selftest';
  result.textContent = JSON.stringify({ passed, failed, figures });
  document.body.append(result);
}

// After this script, which ends with the last suite.
queueMicrotask(selftest);
