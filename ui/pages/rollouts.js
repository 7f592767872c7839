// Changes that go through the fleet in stages: one host, some, all. Each can be held, hurried or undone.
import { html, useEffect, useState } from '../dom.js';
import { api } from '../api.js';
import { useLoad, usePages } from '../load.js';
import { href, setQuery } from '../router.js';
import { absolute, bytes, countdown, duration, number } from '../format.js';
import { t, tcode, tn } from '../i18n.js';
import { Bar, Button, Choice, CurlButton, Empty, List, Mono, Notice, Page, Problem, Skeleton, State, Tabs, Text, Tile, Time } from '../parts.js';
import { ReasonDialog } from '../reason.js';
import { plain } from '../visible.js';

const KINDS = { running: 'busy', baking: 'busy', paused: 'warn', done: 'ok', aborted: 'bad' };
const ENDED = new Set(['done', 'aborted']);

export const RolloutState = ({ state }) => html`<${State} kind=${KINDS[state] ?? 'off'}>${tcode('rollout_state', state)}<//>`;

export function Rollouts({ route, me }) {
  const id = route.segments[1];
  return id ? html`<${Rollout} id=${id} route=${route} me=${me} />` : html`<${All} route=${route} />`;
}

function All({ route }) {
  const state = route.query.get('state') ?? '';
  const query = { state: state || undefined, service: route.query.get('service') ?? undefined, limit: 100 };
  const pages = usePages((token) => api.rollouts({ ...query, page_token: token ?? undefined }), { every: 5000, on: ['rollouts'] });
  return html`<${Page} title=${t('nav.rollouts')} sub=${t('rollouts.sub')} wide actions=${html`<${CurlButton} call=${() => api.rollouts(query)} />`}>
    <div class="filters"><${Choice} label=${t('state')} value=${state} onChange=${(next) => setQuery({ state: next })} options=${[['', t('all')], ['active', t('rollouts.active')]]} /></div>
    <${List} pages=${pages} caption=${t('nav.rollouts')} keyOf=${(row) => row.id} columns=${COLUMNS()}
      empty=${html`<${Empty} title=${t(state ? 'rollouts.none_active' : 'rollouts.empty')} action=${html`<a class="button" href=${href(['services'])}>${t('nav.services')}</a>`}><p>${t('rollouts.empty_text')}</p><//>`} /><//>`;
}

const COLUMNS = () => [
  { label: t('service'), class: 'grow', render: (row) => html`<a class="strong" href=${href(['rollouts', row.id])}><${Text} v=${row.service} /></a><div class="muted ellipsis"><${Text} v=${row.message} /></div>` },
  { label: t('state'), class: 'nowrap', render: (row) => html`<${RolloutState} state=${row.state} />` },
  { label: t('rollouts.stage'), class: 'nowrap', render: (row) => html`<${Steps} rollout=${row} small />` },
  { label: t('rollouts.reached'), class: 'applied-cell', render: (row) => html`<span class="applied"><${Bar} parts=${parts(row)} whole=${row.hosts || 1} /><span>${t('applied.of', { n: number(row.applied), all: number(row.hosts) })}${row.failed > 0 && html` <span class="error">${tn('applied.failed', row.failed)}</span>`}</span></span>` },
  { label: t('history.revision'), num: true, class: 'wide-only nowrap', render: (row) => html`${row.from_revision ?? '–'} → ${row.revision}` },
  { label: t('changed'), class: 'nowrap', render: (row) => html`<${Time} at=${row.created_at} /><div class="muted ellipsis"><${Text} v=${row.by} /></div>` },
];

const parts = ({ applied = 0, failed = 0, offline = 0, reached = 0 }) => [['ok', applied], ['bad', failed], ['busy', Math.max(0, reached - applied - failed - offline)], ['off', offline]];

/// The stages as a row of steps: what is done, what runs, what is to come.
function Steps({ rollout, small = false }) {
  const at = rollout.state === 'done' ? rollout.stages.length : rollout.stage;
  const kind = (i) => (i < at ? 'done' : i === at ? (rollout.state === 'aborted' ? 'stopped' : 'now') : 'later');
  return html`<ol class=${small ? 'steps small' : 'steps'} aria-label=${t('rollouts.stages')}>${rollout.stages.map((stage, i) => html`
    <li class=${kind(i)} aria-current=${i === at ? 'step' : undefined} title=${tn('hosts', stage.hosts)}><i aria-hidden="true"></i><span class=${small ? 'hidden' : 'strong'}>${stage.percent ? `${stage.percent} %` : t('rollouts.one')}</span>
      ${!small && html`<span class="muted">${tn('hosts', stage.hosts)}</span><span class="muted small">${t(`rollouts.step.${kind(i)}`)}</span>`}</li>`)}</ol>`;
}

/// Draws again every second while something counts down.
function useSeconds(on) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!on) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [on]);
  return now;
}

const VERBS = { running: ['pause', 'abort'], baking: ['promote', 'pause', 'abort'], paused: ['resume', 'promote', 'abort'] };

function Rollout({ id, route, me }) {
  const read = useLoad(api.rollout(id), { every: 2000, on: [`rollout:${id}`] });
  const [asking, setAsking] = useState(null);
  const { data, error } = read;
  const now = useSeconds(data?.state === 'baking');
  const may = ['editor', 'admin'].includes(me.role);
  const crumbs = [[t('nav.rollouts'), href(['rollouts'])]];
  if (!data) return html`<${Page} title=${t('rollouts.one_of')} crumbs=${crumbs}><${Problem} error=${error} retry=${read.reload} />${!error && html`<${Skeleton} rows=${8} />`}<//>`;
  const verbs = may ? VERBS[data.state] ?? [] : [];
  return html`<${Page} title=${data.service} crumbs=${crumbs} wide
      sub=${html`<${RolloutState} state=${data.state} /><span class="muted">${t('view.revision', { n: `${data.from_revision ?? '–'} → ${data.revision}` })} · <${Time} at=${data.created_at} /> · <${Text} v=${data.by} /></span>`}
      actions=${html`<${CurlButton} call=${() => api.rollout(id)} />${verbs.map((verb) => html`<${Button} key=${verb} kind=${verb === 'abort' ? 'danger' : verb === 'pause' ? '' : 'primary'} onClick=${() => setAsking(verb)}>${t(`rollouts.${verb}`)}<//>`)}`}>
    <${Problem} error=${error} retry=${read.reload} />
    ${data.reason && data.state !== 'done' && html`<${Why} reason=${data.reason} state=${data.state} />`}
    <section class="card pad rollout"><${Steps} rollout=${data} />
      <p class="rollout-now">${data.state === 'baking' && data.automatic === false && Date.parse(data.bake_ends_at) <= now ? t('rollouts.now.waiting') : data.state === 'baking' && data.bake_ends_at
        ? html`<span class="countdown num" title=${absolute(data.bake_ends_at)}>${countdown(data.bake_ends_at, now)}</span> ${t(data.automatic === false ? 'rollouts.baking_held' : 'rollouts.baking')}`
        : t(`rollouts.now.${data.state}`)}</p></section>
    <dl class="tiles">
      <${Tile} label=${t('rollouts.reached')}>${number(data.reached)} <span class="muted">/ ${number(data.hosts)}</span><//>
      <${Tile} label=${t('applied.head')} kind=${data.applied && 'ok'}>${number(data.applied)}<//>
      <${Tile} label=${t('result.failed')} kind=${data.failed && 'bad'}>${number(data.failed)}<//>
      <${Tile} label=${t('host_state.offline')}>${number(data.offline)}<//>
      <${Tile} label=${t('rollouts.bake')}>${duration(data.bake_s)}<//></dl>
    <p class="muted lead-line"><${Text} v=${data.message} /> <a href=${href(['services', data.service, 'history'], { to: data.revision })}>${t('rollouts.change')}</a></p>
    <${Hosts} id=${id} route=${route} data=${data} />
    ${asking && html`<${ReasonDialog} title=${t(`rollouts.${asking}_title`, { name: plain(data.service) })} text=${t(`rollouts.${asking}_text`)} button=${t(`rollouts.${asking}`)} danger=${asking === 'abort'}
      call=${(message) => api.steerRollout(id, asking, message)} onClose=${() => setAsking(null)} onDone=${() => { setAsking(null); read.reload(); }} />`}<//>`;
}

function Why({ reason, state }) {
  const names = reason.hosts ?? [];
  return html`<${Notice} kind=${state === 'aborted' ? 'bad' : 'warn'} title=${html`${tcode('rollout_state', state)}: ${tcode('rollout_reason', reason.code)}`}>
    ${reason.detail && html`<p><${Text} v=${reason.detail} lines /></p>`}
    ${names.length > 0 && html`<ul class="names">${names.slice(0, 20).map((name) => html`<li><a href=${href(['hosts', name])}><${Mono} v=${name} /></a></li>`)}</ul>`}<//>`;
}

const HOST_KINDS = { pending: 'off', written: 'busy', applied: 'ok', failed: 'bad', offline: 'off', reverted: 'warn' };
const HOST_STATES = ['', 'failed', 'written', 'applied', 'pending'];

function Hosts({ id, route, data }) {
  const state = route.query.get('state') ?? '';
  const pages = usePages((token) => api.rolloutHosts(id, { state: state || undefined, limit: 100, page_token: token ?? undefined }), { every: ENDED.has(data.state) ? 0 : 2000, on: [`rollout:${id}`] });
  return html`<section class="block"><h2>${t('nav.hosts')}</h2>
    <div class="filters"><${Choice} label=${t('state')} value=${state} onChange=${(next) => setQuery({ state: next })} options=${HOST_STATES.map((one) => [one, one ? t(`rollout_host.${one}`) : t('all')])} /></div>
    <${List} pages=${pages} caption=${t('nav.hosts')} keyOf=${(row) => row.host} empty=${html`<${Empty} title=${t('list.nothing')} />`} columns=${[
      { label: t('host'), class: 'grow', render: (row) => html`<a class="strong" href=${href(['hosts', row.host])}><${Text} v=${row.host} /></a>${row.detail && html`<div class=${row.state === 'failed' ? 'error small' : 'muted small'}><${Text} v=${row.detail} lines /></div>`}` },
      { label: t('rollouts.stage'), num: true, render: (row) => { const stage = data.stages[row.stage]; return stage ? (stage.percent ? `${stage.percent} %` : t('rollouts.one')) : '–'; } },
      { label: t('state'), class: 'nowrap', render: (row) => html`<${State} kind=${HOST_KINDS[row.state] ?? 'off'}>${tcode('rollout_host', row.state)}<//>` },
      { label: t('lag'), num: true, class: 'nowrap', render: (row) => bytes(row.lag_bytes) },
      { label: t('rollouts.lag_before'), num: true, class: 'nowrap wide-only', render: (row) => html`<span class="muted">${bytes(row.lag_before_bytes)}</span>` }]} /></section>`;
}
