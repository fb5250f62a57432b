'use strict';
// many.js - the figures of many random traces' pages, compared with tests/lib/page_answers.py

/** Returns the rows of a state: [stack, bytes, allocations], by the number of its path in `stacks`. */
function rowsOf(profile, held, stacks) {
  const { count, frame, parent, frames } = profile;
  const isVirtual = f => frames.kind[f] >= KIND.PROCESS;
  const text = f => [frames.name[f], frames.file[f], frames.module[f], frames.line[f]].join('|');
  const path = [''];
  const sums = new Map();
  for (let i = 0; i < count; i++) {
    if (i) path[i] = isVirtual(frame[i]) ? path[parent[i]] : [path[parent[i]], text(frame[i])].filter(Boolean).join(';');
    if (!held[1][i]) continue;
    const row = sums.get(path[i]) || [0, 0];
    sums.set(path[i], [row[0] + held[0][i], row[1] + held[1][i]]);
  }
  return [...sums].map(([name, amounts]) => [stacks.indexOf(name), ...amounts]).sort((a, b) => a[0] - b[0]);
}

/** The same state's answer by the functions that the page uses. */
function chosen(time, { point, ...state }) {
  const choice = new Choice(time, { mode: 'alive', from: '', to: '', ...state });
  if (point !== undefined) choice.point = point;
  return choice;
}

Object.assign(SUITES, {
  /** EXPECT.cases: see tests/lib/page_answers.py. */
  async many() {
    const counts = { questions: 0, curves: 0, summaries: 0 };
    for (const { seed, data, questions, stacks, summary, curve } of EXPECT.cases) {
      const profile = await readProfile(data);
      const { time } = profile;
      const held = profile.units.map(() => new Float64Array(profile.count));
      const wrong = what => failed.push(`seed ${seed}: ${what}`);
      for (const { changes, rows } of questions) {
        const found = JSON.stringify(rowsOf(profile, sumIntervals(time, chosen(time, changes), held), stacks));
        if (found !== JSON.stringify(rows)) wrong(`${JSON.stringify(changes)}: ${found.slice(0, 200)} instead of ${JSON.stringify(rows).slice(0, 200)}`);
        counts.questions++;
      }
      for (let i = 0; i < time.count; i++) {
        const most = Math.max(...curve.slice(i * time.sliceMs, (i + 1) * time.sliceMs), 0);
        if (time.most[i] !== most) wrong(`the curve at slice ${i}: ${time.most[i]} instead of ${most}`);
        counts.curves++;
      }
      // The table of functions, with no frames hidden but processes, threads and allocators.
      profile.held = sumIntervals(time, chosen(time, {}), held);
      addUp(profile, profile.held, null);
      const grouping = new Grouping(profile.frames, 'function');
      const choices = { imports: 'show', native: 'show', startup: 'show', processes: 'hide', threads: 'hide', allocators: 'hide' };
      const { own, all } = heldByGroup(profile, grouping, hiddenNodes(profile, choices, []));
      const table = [];
      for (let group = 1; group < grouping.count; group++) {
        const f = grouping.first[group];
        if (all[1][group]) table.push([`${profile.frames.name[f]}|${profile.frames.file[f] || profile.frames.module[f]}`, own[0][group], all[0][group], all[1][group]]);
      }
      const sorted = list => JSON.stringify(list.sort((a, b) => (a[0] < b[0] ? -1 : 1)));
      if (sorted(table) !== sorted(summary)) wrong(`functions: ${sorted(table).slice(0, 300)} instead of ${sorted(summary).slice(0, 300)}`);
      counts.summaries++;
    }
    for (const [name, count] of Object.entries(counts)) passed.push(`${count} ${name} agree`);
    figures.cases = EXPECT.cases.length;
    Object.assign(figures, counts);
  },
});
