// Draws the lines of [data-chart] with uPlot; the table beside each says the same.
(() => {
  'use strict';
  const draw = (box) => {
    const data = JSON.parse(box.dataset.chart);
    if (!data.x || !window.uPlot) return;
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const day = new Intl.DateTimeFormat(document.documentElement.lang, { day: 'numeric', month: 'short', timeZone: 'UTC' });
    const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 }, font: '13px sans-serif' };
    box.replaceChildren();
    new window.uPlot({
      width: Math.max(240, box.clientWidth), height: 280, legend: { show: false }, cursor: { y: false },
      scales: { x: { time: true, range: [data.x[0], data.x[data.x.length - 1] + (data.x.length > 1 ? 0 : 86400)] }, n: { range: (u, low, high) => [0, Math.max(4, high * 1.1)] }, '%': { range: [0, 100] } },
      tzDate: (ts) => new Date(ts * 1e3 + new Date(ts * 1e3).getTimezoneOffset() * 6e4),
      axes: [
        { ...axis, values: (u, ticks) => ticks.map((t) => day.format(new Date(t * 1e3))), space: 80 },
        { ...axis, scale: 'n', size: 48 },
        { ...axis, scale: '%', side: 1, size: 48, grid: { show: false }, values: (u, ticks) => ticks.map((t) => `${t}%`) },
      ],
      series: [{}, ...data.series.map((s) => ({ label: s.label, scale: s.scale, stroke: colour(s.tone), width: 2, spanGaps: true, dash: s.scale === '%' ? [6, 4] : undefined, points: { show: data.x.length < 40, size: 6 } }))],
    }, [data.x, ...data.series.map((s) => s.values)], box);
    const legend = document.createElement('ul');
    legend.className = 'plain legend';
    for (const s of data.series) {
      const item = document.createElement('li'), mark = document.createElement('span');
      mark.className = `mark ${s.tone.slice(2)}`;
      item.append(mark, s.label);
      legend.append(item);
    }
    box.append(legend);
  };
  const all = () => document.querySelectorAll('[data-chart]').forEach(draw);
  all();
  let wait;
  addEventListener('resize', () => { clearTimeout(wait); wait = setTimeout(all, 150); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', all);
})();
