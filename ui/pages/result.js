// How a service is applied right now: who has it, who refused it and why, who has not answered, by name.
import { html, useEffect, useState } from '../dom.js';
import { api } from '../api.js';
import { useAllHosts, useLoad } from '../load.js';
import { href } from '../router.js';
import { number, percent } from '../format.js';
import { t, tcode, tn } from '../i18n.js';
import { Bar, CurlButton, Mono, Notice, Page, Problem, Skeleton, State, Table, Text, count } from '../parts.js';
import { followed } from '../shapes.js';
import { load } from '../stored.js';
import { CRUMBS, ServiceTabs } from './service.js';

const PATIENCE = 5000; // how long a save waits for its hosts before it says what it has

export function Result({ route, me }) {
  const name = route.segments[1];
  const saved = route.query.get('revision');
  const [since] = useState(() => Date.now());
  const [waited, setWaited] = useState(!saved);
  const known = me.features?.includes('status');
  const kept = load(`saved.${name}`, 'session');
  const every = waited ? 2000 : 300;
  const told = useLoad(known ? api.serviceStatus(name) : null, { every });
  const { hosts, error } = useAllHosts(!known && kept ? every : 0);
  const status = known ? told : { error, data: hosts && followed(kept, hosts) };
  useEffect(() => {
    const timer = setTimeout(() => setWaited(true), PATIENCE - (Date.now() - since));
    return () => clearTimeout(timer);
  }, []);
  const data = status.data;
  return html`<${Page} title=${name} crumbs=${CRUMBS()} actions=${html`<${CurlButton} call=${() => api.serviceStatus(name)} />`}>
    <${ServiceTabs} name=${name} current="result" me=${me} />
    <${Problem} error=${status.error} retry=${status.reload} />
    ${!known && !kept && html`<${Notice} title=${t('result.unknown')}><p>${t('result.unknown_text')}</p><//>`}
    ${!data && !status.error && (known || kept) && html`<${Skeleton} rows=${6} />`}
    ${data && html`<${Outcome} data=${data} saved=${saved} patient=${!waited} />${kept?.more > 0 && html`<p class="below muted">${t('result.more', { n: number(kept.more) })}</p>`}<${Held} kept=${kept} /><${Lists} data=${data} />`}<//>`;
}

function Outcome({ data, saved, patient }) {
  const { hosts = 0, applied = 0 } = data;
  const failed = count(data.failed, data.failed_total);
  const waiting = count(data.waiting, data.waiting_total);
  const offline = count(data.offline, data.offline_total);
  const pending = waiting > 0 || (saved && data.revision != null && Number(data.revision) < Number(saved));
  const kind = failed ? 'bad' : pending && patient ? 'busy' : waiting || offline ? 'warn' : 'ok';
  const [first] = Array.isArray(data.failed) ? data.failed : [];
  const title = !hosts ? t('applied.no_hosts')
    : failed || !pending || !patient ? t('result.applied', { n: number(applied), all: number(hosts) })
      : t('result.waiting', { n: number(applied), all: number(hosts) });
  return html`<section class=${`outcome ${kind}`} role="status">
    <p class="outcome-title">${title}${first && html`<span class="outcome-first">; <a href=${href(['hosts', first.host])}><${Text} v=${first.host} /></a>: <${Text} v=${first.detail ?? tcode('code', first.code)} />${failed > 1 && ` ${t('result.and_more', { n: number(failed - 1) })}`}</span>`}</p>
    <${Bar} parts=${[['ok', applied], ['bad', failed], ['busy', waiting], ['off', offline]]} whole=${hosts || 1} />
    <p class="outcome-counts"><${State} kind="ok">${tn('result.ok', applied)}${hosts > 0 && html` <span class="muted">${percent(applied, hosts)}</span>`}<//>
      <${State} kind="bad">${tn('applied.failed', failed)}<//>
      <${State} kind="busy">${tn('applied.waiting', waiting)}<//>
      <${State} kind="off">${tn('applied.offline', offline)}<//>
      ${data.revision != null && html`<span class="muted push">${t('result.revision', { n: number(Number(data.revision)) })}</span>`}</p>
    ${offline > 0 && html`<p class="muted">${t('result.offline_text')}</p>`}</section>`;
}

// Keys that stayed as they were, each with the reason.
function Held({ kept }) {
  const rows = [...(kept?.held ?? []), ...(kept?.lost ?? []).map((host) => ({ host, reason: 'lost' }))];
  if (!rows.length) return null;
  return html`<section class="block"><h2>${t('result.held')}</h2><${Table} caption=${t('result.held')} rows=${rows} keyOf=${(row) => row.host + row.address} columns=${[
    { label: t('host'), render: (row) => (row.host ? html`<a href=${href(['hosts', row.host])}><${Mono} v=${row.host} /></a>` : html`<${Mono} v=${row.address} />`) },
    { label: t('reason'), class: 'grow', render: (row) => html`${tcode('held', row.reason)}<div class="muted">${tcode('held_text', row.reason)}</div>` }]} /></section>`;
}

function Lists({ data }) {
  const failed = Array.isArray(data.failed) ? data.failed : [];
  const names = (list) => (Array.isArray(list) ? list : []);
  return html`
    ${failed.length > 0 && html`<section class="block"><h2>${t('result.failed')}</h2><${Table} caption=${t('result.failed')} rows=${failed} keyOf=${(row) => row.host + row.pointer + row.code} columns=${[
      { label: t('host'), render: (row) => html`<a href=${href(['hosts', row.host])}><${Mono} v=${row.host} /></a>` },
      { label: t('reason'), class: 'grow', render: (row) => html`<span>${tcode('code', row.code)}</span>${row.detail && html`<div class="muted"><${Text} v=${row.detail} lines /></div>`}` },
      { label: t('place'), render: (row) => (row.pointer ? html`<${Mono} v=${row.pointer} />` : html`<span class="muted">–</span>`) },
    ]} /></section>`}
    ${names(data.waiting).length > 0 && html`<${Names} title=${t('result.not_yet')} text=${t('result.not_yet_text')} names=${data.waiting} total=${data.waiting_total} />`}
    ${names(data.offline).length > 0 && html`<${Names} title=${t('host_state.offline')} text=${t('result.offline_text')} names=${data.offline} total=${data.offline_total} />`}
    ${data.hosts === 0 && html`<${Notice} title=${t('matches.zero')}><p>${t('matches.zero_text')}</p><//>`}`;
}

const Names = ({ title, text, names, total }) => html`<section class="block"><h2>${title}</h2><p class="muted">${text}</p>
  <ul class="names">${names.map((name) => html`<li><a href=${href(['hosts', name])}><${Mono} v=${name} /></a></li>`)}</ul>
  ${total > names.length && html`<p class="muted">${t('matches.more', { n: number(total - names.length) })}</p>`}</section>`;
