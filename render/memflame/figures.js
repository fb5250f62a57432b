'use strict';
// figures.js - the names and figures of boxes, as rows of a table and as one line

Object.assign(App.prototype, {
  nameOf(box) {
    return box.rest ? `${countText(box.rest.to - box.rest.from)} smaller` : this.grouping.name(box.group);
  },

  /** The label on a box: a name, and a place. */
  labelOf(box) {
    if (box.rest) return [this.nameOf(box), ''];
    const { grouping, state: { label }, profile: { frames } } = this;
    const name = grouping.shortName(box.group);
    const place = grouping.shortLocation(box.group);
    if (label === 'location' && place) return [place, ''];
    const source = label === 'source' ? grouping.source(box.group) : '';
    if (source) return [source, name];
    const { file } = frames;
    const f = grouping.first[box.group];
    if (label === 'module' && file[f] && !grouping.isPackage(box.group)) return [moduleName(file[f], frames.root), name];
    return [name, label === 'full' || label === 'source' ? place : ''];
  },

  /** The amount on the box: without its unit, unless that is bytes. */
  shortAmountOf(box) {
    const value = this.tree.value(box);
    if (this.profile.difference) return changeText(box.amounts[1], box.amounts[2], this.profile.units[0]);
    return this.profile.units[this.state.weight] === 'bytes' ? amountText(value, 'bytes') : countText(value);
  },

  /** Rows of a table: amounts, and shares of everything, of the view, of the parent. */
  figuresOf(box) {
    const { profile, tree, zoom, state } = this;
    const { weight } = state;
    const value = tree.value(box);
    const rows = profile.difference ? this.changeRows(box) : profile.units.map((unit, w) => {
      const exact = unit === 'bytes' && box.amounts[w] >= 1000 ? ` (${countText(box.amounts[w])} bytes)` : '';
      return w ? [unit, countText(box.amounts[w])] : ['total', amountText(box.amounts[w], unit) + exact];
    });
    if (!box.sources && !box.rest && !profile.difference) rows.splice(1, 0, ['self', amountText(tree.selfOf(box, 0), profile.units[0])]);
    rows.push(['of all', shareText(value, profile.whole[weight])]);
    if (profile.total[weight][0] !== profile.whole[weight]) rows.push(['of kept stacks', shareText(value, profile.total[weight][0])]);
    if (zoom.parent && box !== zoom && !this.scene.above.has(box)) rows.push(['of view', shareText(value, tree.value(zoom))]);
    if (box.parent && box.parent.parent) rows.push(['of parent', shareText(value, tree.value(box.parent))]);
    return rows;
  },

  /** The amounts before and after, and the difference; also those of the box itself. */
  changeRows(box) {
    const { profile, tree } = this;
    const [unit] = profile.units;
    const [, before, after] = box.amounts;
    const part = before && before !== after ? ` (${after > before ? '+' : '−'}${shareText(Math.abs(after - before), before)})` : '';
    const fate = before === after ? '' : !before ? ', new' : !after ? ', vanished' : part;
    const rows = [['before', amountText(before, unit)], ['after', amountText(after, unit)],
      ['difference', changeText(before, after, unit) + fate]];
    if (!box.sources && !box.rest) {
      const [was, is] = [tree.selfOf(box, 1), tree.selfOf(box, 2)];
      rows.push(['self', `${amountText(was, unit)} → ${amountText(is, unit)}, ${changeText(was, is, unit)}`]);
    }
    return rows;
  },

  /** "125 B · self 25 B · 3 allocations · 20.8 % of all": without the name, which may have thousands of letters. */
  summaryOf(box) {
    return this.figuresOf(box).map(([name, text]) => {
      if (name === 'total') return text;
      if (/^of /.test(name)) return `${text} ${name}`;
      return this.profile.units.includes(name) ? amountText(Number(text.replace(/,/g, '')), name) : `${name} ${text}`;
    }).join(' · ');
  },

  /** "load (/srv/app.py:10)" */
  fullNameOf(box) {
    const place = box.rest ? '' : this.grouping.location(box.group);
    return this.nameOf(box) + (place ? ` (${place})` : '');
  },

  /** The names of a box's stack, outermost first. */
  stackOf(box) {
    const names = [];
    for (; box.parent; box = box.parent) if (!box.rest) names.push(this.fullNameOf(box));
    return box === this.roots.callers || this.state.view === 'inverted' ? names : names.reverse();
  },
});
