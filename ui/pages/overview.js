// The whole fleet on one screen: one cell for each host, coloured by how far it is behind.
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../dom.js';
import { api } from '../api.js';
import { useAllHosts, useLoad } from '../load.js';
import { go, href } from '../router.js';
import { bytes, number } from '../format.js';
import { t, tcode } from '../i18n.js';
import { Applied, HostState, Page, Problem, Skeleton, Text, Tile, Time } from '../parts.js';
import { NoHosts } from './hosts.js';
import { layout, levelOf } from '../heat.js';
import { onTheme } from '../theme_change.js';
import { plain } from '../visible.js';

const REFRESH = 5000;

export function Overview({ me }) {
  const { hosts, error } = useAllHosts(REFRESH);
  const has = (feature) => me.features?.includes(feature);
  const failing = useLoad(has('status') ? api.services({ state: 'failed', limit: 10 }) : null, { every: REFRESH });
  const rolling = useLoad(has('rollouts') ? api.rollouts({ state: 'active', limit: 5 }) : null, { every: REFRESH });
  const recent = useLoad(has('audit') ? api.audit({ limit: 8 }) : null, { every: 10000 });
  const counts = useMemo(() => tally(hosts ?? []), [hosts]);
  const knowsLag = hosts?.some((host) => host.lag_bytes != null);
  return html`<${Page} title=${t('nav.overview')} sub=${t('overview.sub')} wide>
    <${Problem} error=${error} />
    ${!hosts && !error && html`<${Skeleton} rows=${8} />`}
    ${hosts?.length === 0 && html`<${NoHosts} />`}
    ${hosts?.length > 0 && html`<dl class="tiles">
        <${Tile} label=${t('nav.hosts')}><a href=${href(['hosts'])}>${number(hosts.length)}</a><//>
        <${Tile} label=${t('host_state.healthy')} kind="ok"><a href=${href(['hosts'], { state: 'healthy' })}>${number(counts.healthy)}</a><//>
        <${Tile} label=${t('host_state.degraded')} kind=${counts.degraded ? 'warn' : ''}><a href=${href(['hosts'], { state: 'degraded' })}>${number(counts.degraded)}</a><//>
        <${Tile} label=${t('host_state.offline')} kind=${counts.offline ? 'bad' : ''}><a href=${href(['hosts'], { state: 'offline' })}>${number(counts.offline)}</a><//>
        <${Tile} label=${t('overview.lag')}>${bytes(knowsLag ? counts.lag : null)}<//></dl>
      <section class="card heat-card"><header><h2>${t(knowsLag ? 'overview.heat' : 'overview.states')}</h2><${Legend} lag=${knowsLag} /></header><${Heat} hosts=${hosts} lag=${knowsLag} /></section>
      <div class="columns even">
        <section class="card">${rolling.data?.items?.length > 0 && html`<h2>${t('overview.rollouts')}</h2><ul class="rows">${rolling.data.items.map((item) => html`<li><a class="strong" href=${href(['rollouts', item.id])}><${Text} v=${item.service} /></a>
            <span class="muted num">${t('rollouts.at', { n: number(item.reached ?? item.stages[item.stage]?.hosts), all: number(item.hosts) })}</span></li>`)}</ul>`}
          ${has('status') && html`<h2>${t('overview.failing')}</h2>${failing.data?.items?.length > 0
          ? html`<ul class="rows">${failing.data.items.map((item) => html`<li><a class="strong" href=${href(['services', item.name, 'result'])}><${Text} v=${item.name} /></a><${Applied} status=${item.status} /></li>`)}</ul>`
          : html`<p class="muted">${failing.data ? t('overview.all_well') : t('loading')}</p>`}`}
          ${!has('status') && !counts.problems.length && html`<h2>${t('overview.problems')}</h2><p class="muted">${t('overview.no_problems')}</p>`}
          ${counts.problems.length > 0 && html`<h2>${t('overview.problems')}</h2><ul class="rows">${counts.problems.map(({ code, text, names }) => html`<li>
            <span><${Text} v=${text} /></span><a class="num" href=${href(['hosts', names[0]])}><${Text} v=${names.length === 1 ? names[0] : t('overview.and_more', { host: plain(names[0]), n: number(names.length - 1) })} /></a></li>`)}</ul>`}</section>
        ${has('audit') && html`<section class="card"><h2>${t('overview.recent')}</h2><ul class="rows">${(recent.data?.items ?? []).map((item) => html`<li>
          <span><${Text} v=${item.actor?.name} /> · ${tcode('action', item.action)} <span class="strong"><${Text} v=${item.target} /></span><span class="muted block-line"><${Text} v=${item.message} /></span></span><${Time} at=${item.at} /></li>`)}</ul></section>`}
      </div>`}<//>`;
}

function tally(hosts) {
  const counts = { healthy: 0, degraded: 0, offline: 0, unknown: 0, lag: 0 };
  const problems = new Map();
  for (const host of hosts) {
    counts[host.state] = (counts[host.state] ?? 0) + 1;
    counts.lag += host.lag_bytes ?? 0;
    for (const { code, text } of host.problems ?? []) {
      if (!problems.has(code)) problems.set(code, { code, text, names: [] });
      problems.get(code).names.push(host.host);
    }
  }
  return { ...counts, problems: [...problems.values()].sort((a, b) => b.names.length - a.names.length).slice(0, 6) };
}

const LEVELS = ['heat-0', 'heat-1', 'heat-2', 'heat-3', 'heat-4'];

const ofState = { healthy: 'heat-0', degraded: 'heat-2' };
const shade = (host, lag) => (!ofState[host.state] ? 'heat-off' : lag ? LEVELS[levelOf(host.lag_bytes)] : ofState[host.state]);

const Legend = ({ lag }) => html`<p class="legend">${lag ? html`<span class="muted">${t('overview.behind')}</span>${[t('legend.none'), '1 MiB', '32 MiB', '1 GiB', t('legend.more')].map((text, i) => html`
  <span><i class=${LEVELS[i]}></i>${text}</span>`)}` : Object.entries(ofState).map(([state, level]) => html`<span><i class=${level}></i>${t(`host_state.${state}`)}</span>`)}<span><i class="heat-off"></i>${t('host_state.offline')}</span></p>`;

function Heat({ hosts, lag }) {
  useRedrawnByTheme();
  const canvas = useRef(null);
  const box = useRef(null);
  const [width, setWidth] = useState(0);
  const [at, setAt] = useState(null);
  useEffect(() => {
    const sized = new ResizeObserver(() => setWidth(box.current.clientWidth));
    sized.observe(box.current);
    return () => sized.disconnect();
  }, []);
  const grid = useMemo(() => layout(hosts.length, width), [hosts.length, width]);
  useLayoutEffect(() => {
    if (width) draw(canvas.current, hosts, grid, lag);
  });
  const find = (event) => {
    const index = grid.indexAt(event.offsetX, event.offsetY);
    setAt(index == null || !hosts[index] ? null : { host: hosts[index], x: event.offsetX, y: event.offsetY });
  };
  const keys = (event) => {
    const now = at ? hosts.findIndex((host) => host.host === at.host.host) : -1;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: grid.columns, ArrowUp: -grid.columns }[event.key];
    if (step) {
      event.preventDefault();
      const index = now < 0 ? 0 : Math.min(hosts.length - 1, Math.max(0, now + step));
      setAt({ host: hosts[index], ...grid.placeOf(index) });
    } else if (event.key === 'Enter' && at) go(href(['hosts', at.host.host]));
  };
  return html`<div ref=${box} class="heat">
    <canvas ref=${canvas} height=${grid.height} tabindex="0" role="img" aria-label=${t('overview.heat_label', { n: number(hosts.length) })}
      onMouseMove=${find} onMouseLeave=${() => setAt(null)} onBlur=${() => setAt(null)} onKeyDown=${keys} onClick=${() => at && go(href(['hosts', at.host.host]))} />
    ${at && html`<div class="tip" role="status" style=${{ left: `${Math.min(at.x + 12, Math.max(0, width - 200))}px`, top: `${at.y + 16}px` }}><strong><${Text} v=${at.host.host} /></strong>
      <${HostState} state=${at.host.state} />${lag && html`<span class="num">${bytes(at.host.lag_bytes)} <span class="muted">${t('overview.behind')}</span></span>`}</div>`}</div>`;
}

/// Draws anew when the colours change: a canvas does not do that by itself.
function useRedrawnByTheme() {
  const [, redraw] = useState(0);
  useEffect(() => onTheme(() => redraw((n) => n + 1)), []);
}

function draw(canvas, hosts, grid, lag) {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(grid.width * ratio);
  canvas.height = Math.round(grid.height * ratio);
  canvas.style.width = `${grid.width}px`;
  canvas.style.height = `${grid.height}px`;
  const style = getComputedStyle(document.documentElement);
  const colours = new Map([...LEVELS, 'heat-off'].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  const pen = canvas.getContext('2d');
  pen.scale(ratio, ratio);
  hosts.forEach((host, i) => {
    const { x, y } = grid.placeOf(i);
    pen.fillStyle = colours.get(shade(host, lag));
    pen.fillRect(x, y, grid.cell, grid.cell);
  });
}
