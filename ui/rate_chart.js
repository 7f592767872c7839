// Rates of the last hour: offered, sent, limit. The chart's library is loaded when the first one is drawn.
import { html, useEffect, useRef } from './dom.js';
import { api } from './api.js';
import { useLoad } from './load.js';
import { lines, number } from './format.js';
import { t } from './i18n.js';
import { Empty, Problem, Skeleton } from './parts.js';

const SERIES = [['offered', '--off'], ['sent', '--accent'], ['limit', '--warn']];

export function RateChart({ query }) {
  const { data, error, reload } = useLoad(api.rates(query), { every: 10000 });
  const box = useRef(null);
  const plot = useRef(null);
  useEffect(() => {
    if (!data?.at?.length || !box.current) return undefined;
    let gone = false;
    const table = [data.at, ...SERIES.map(([name]) => data[name] ?? [])];
    if (plot.current) plot.current.setData(table);
    else {
      import('./vendor/uplot.js').then(({ default: Plot }) => {
        if (!gone && !plot.current) plot.current = new Plot(options(box.current), table, box.current);
      });
    }
    return () => { gone = true; };
  }, [data]);
  useEffect(() => {
    const sized = new ResizeObserver(() => plot.current?.setSize({ width: box.current.clientWidth, height: 260 }));
    if (box.current) sized.observe(box.current);
    return () => {
      sized.disconnect();
      plot.current?.destroy();
    };
  }, []);
  return html`<section class="card chart"><h2>${t('rates.title')}</h2>
    <${Problem} error=${error} retry=${reload} />
    ${!data && !error && html`<${Skeleton} rows=${6} />`}
    ${data && !data.at?.length && html`<${Empty} title=${t('rates.empty')}><p>${t('rates.empty_text')}</p><//>`}
    <div ref=${box} class="plot" role="img" aria-label=${data?.at?.length ? summary(data) : t('rates.title')}></div></section>`;
}

const last = (list) => (list ?? []).filter((value) => value != null).at(-1);
const summary = (data) => SERIES.map(([name]) => `${t(`rates.${name}`)}: ${lines(last(data[name]))}`).join(', ');

function options(box) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
  return {
    width: box.clientWidth, height: 260, axes: [axis, { ...axis, size: 64, values: (_, values) => values.map((value) => number(value)) }],
    series: [{}, ...SERIES.map(([name, variable]) => ({ label: t(`rates.${name}`), stroke: colour(variable), width: 2, dash: name === 'limit' ? [6, 4] : undefined, value: (_, value) => lines(value) }))],
  };
}
