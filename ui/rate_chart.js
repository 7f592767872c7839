// Rates of the last hour: offered, sent, limit. The chart's library is loaded when the first one is drawn.
import { html, useEffect, useRef, useState } from './dom.js';
import { api } from './api.js';
import { useLoad } from './load.js';
import { bytes, duration, lines, number, percent } from './format.js';
import { language, t } from './i18n.js';
import { Empty, Notice, Problem, Skeleton, Text, Tile } from './parts.js';
import { onTheme } from './theme_change.js';

const SERIES = [['offered', '--off'], ['sent', '--accent'], ['limit', '--warn']];

/// The rates of a service or host with their figures of this moment.
export function Rates({ query }) {
  const { data, error, reload } = useLoad(api.rates(query), { every: 5000 });
  const now = data?.now ?? {};
  return html`<${Problem} error=${error} retry=${reload} />
    ${!data && !error && html`<${Skeleton} rows=${8} />`}
    ${data?.trouble && html`<${Notice} kind="warn" title=${html`<${Text} v=${data.trouble} />`} />`}
    ${data && html`<dl class="tiles">
      <${Tile} label=${t('rates.offered')}>${lines(now.offered)}<//>
      <${Tile} label=${t('rates.sent')}>${lines(now.sent)}<//>
      <${Tile} label=${t('rates.limit')}>${now.files && now.limit == null ? t('unit.unlimited') : lines(now.limit)}<//>
      <${Tile} label=${t('rates.throttled')} kind=${now.throttled > 0.01 && 'warn'}>${percent(now.throttled, 1)}<//>
      <${Tile} label=${t('lag')} sub=${now.lag_bytes > 0 && (now.drain_s == null ? t('rates.never') : t('rates.gone_in', { time: duration(now.drain_s) }))}>${bytes(now.lag_bytes)}<//></dl>
      ${data.at?.length ? html`<${RateChart} data=${data} />` : html`<${Empty} title=${t('rates.empty')}><p>${t('rates.empty_text')}</p><//>`}`}`;
}

/// `proposed`: a limit that is not applied yet, drawn beside the one that is.
export function RateChart({ data, proposed, height = 260, bare = false }) {
  const box = useRef(null);
  const plot = useRef(null);
  const [theme, setTheme] = useState(0);
  useEffect(() => onTheme(() => setTheme((n) => n + 1)), []);
  const table = [data.at, ...SERIES.map(([name]) => data.at.map((_, i) => data[name]?.[i] ?? null)), ...(proposed === undefined ? [] : [data.at.map(() => proposed)])];
  const latest = useRef(table);
  latest.current = table;
  useEffect(() => {
    let gone = false;
    const place = box.current;
    import('./vendor/uplot.js').then(({ default: Plot }) => {
      if (!gone) plot.current = new Plot(options(place, height, proposed !== undefined), latest.current, place);
    });
    const sized = new ResizeObserver(() => plot.current?.setSize({ width: place.clientWidth, height }));
    sized.observe(place);
    return () => {
      gone = true;
      sized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [theme, language, height]);
  useEffect(() => plot.current?.setData(table), [data, proposed]);
  return html`<section class=${bare ? 'chart bare' : 'card chart'}>${!bare && html`<h2>${t('rates.title')}</h2>`}
    <div ref=${box} class="plot" role="img" aria-label=${summary(data)} style=${{ minHeight: `${height + 34}px` }}></div></section>`;
}

const last = (list) => (list ?? []).filter((value) => value != null).at(-1);
const summary = (data) => SERIES.map(([name]) => `${t(`rates.${name}`)}: ${lines(last(data[name]))}`).join(', ');

function options(box, height, proposal) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false }, font: `12px ${style.getPropertyValue('--sans')}` };
  const shown = (_, value) => lines(value);
  const line = (name, label, variable, dash) => ({ label, stroke: colour(variable), width: name === 'sent' ? 2 : 1.5, dash, value: shown, spanGaps: false });
  return {
    width: box.clientWidth, height, cursor: { y: false }, legend: { live: true },
    scales: { x: { time: true }, y: { range: (_, low, high) => [0, Math.max(1, (high ?? 1) * 1.1)] } },
    axes: [{ ...axis, values: clockAxis }, { ...axis, size: 70, values: (_, values) => values.map((value) => number(value)) }],
    series: [{ label: t('when'), value: (_, at) => (at == null ? '–' : time(at)) }, ...SERIES.map(([name, variable]) => line(name, t(`rates.${name}`), variable, name === 'limit' ? [6, 4] : undefined)),
      ...(proposal ? [line('proposed', t('rates.proposed'), '--bad', [2, 3])] : [])],
  };
}

const time = (at, seconds = true) => new Intl.DateTimeFormat(language, { timeStyle: seconds ? 'medium' : 'short', hour12: false }).format(at * 1000);
// Marks that lie less than a minute apart need seconds.
const clockAxis = (_, values) => values.map((at) => time(at, values[1] - values[0] < 60));
