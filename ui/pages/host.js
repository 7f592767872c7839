// One host: what it should run, what it says it runs, what it really does, and every file with its place.
import { html, useEffect, useState } from '../dom.js';
import { api } from '../api.js';
import { useLoad, usePages, useSettled } from '../load.js';
import { href, setQuery } from '../router.js';
import { bytes, bytesPerSecond, duration, limit, lines, number } from '../format.js';
import { t, tcode } from '../i18n.js';
import { ConfigState, Copy, CurlButton, Empty, HostState, Labels, List, Mono, Notice, Page, Problem, Search, Seen, Skeleton, State, Table, Tabs, Text, Tile, Time } from '../parts.js';
import { entryDiff, same } from '../diff.js';
import { EntryDiff } from '../plan_view.js';
import { Rates } from '../rate_chart.js';
import { NoHosts } from './hosts.js';

export function Host({ route, me }) {
  const name = route.segments[1];
  const tab = route.query.get('tab') ?? 'files';
  const host = useLoad(api.host(name), { every: 5000, on: ['hosts'] });
  const data = host.data;
  const crumbs = [[t('nav.hosts'), href(['hosts'])]];
  if (host.error?.status === 404) return html`<${Page} title=${name} crumbs=${crumbs}><${NoHosts} /><//>`;
  const has = (feature) => me.features?.includes(feature);
  const tabs = [['files', t('tab.files')], ...(has('views') ? [['config', t('tab.config')]] : []), ...(has('rates') ? [['rates', t('tab.rates')]] : [])];
  return html`<${Page} title=${name} crumbs=${crumbs} wide actions=${html`<${CurlButton} call=${() => api.host(name)} />${has('why') && html`<a class="button" href=${href(['why'], { host: name })}>${t('host.why')}</a>`}${has('tail') && html`<a class="button" href=${href(['tail'], { host: name, run: 1 })}>${t('nav.tail')}</a>`}`}
      sub=${data && html`<${HostState} state=${data.state} /> <span class="muted">${t('seen')} <${Seen} host=${data} /></span> <${Labels} labels=${data.labels} />`}>
    <${Problem} error=${host.error} retry=${host.reload} />
    ${!data && !host.error && html`<${Skeleton} rows=${8} />`}
    ${data && html`<${Problems} items=${data.problems} /><${Tiles} data=${data} /><${Services} names=${data.services ?? []} />
      ${tabs.length > 1 && html`<${Tabs} label=${t('host')} current=${tab} items=${tabs.map(([id, text]) => ({ id, text, url: href(['hosts', name], { tab: id === 'files' ? '' : id }) }))} />`}
      ${tab === 'config' ? html`<${Config} name=${name} data=${data} />`
        : tab === 'rates' ? html`<${Rates} query=${{ host: name }} />` : has('files') ? html`<${Files} name=${name} route=${route} />` : html`<${Refused} errors=${data.config?.errors} /><${NotTailing} files=${data.not_tailing} />`}`}
  <//>`;
}

const Problems = ({ items = [] }) => items.length > 0 && html`<${Notice} kind="warn" title=${t('host.problems')}><ul>${items.map((item) => html`
  <li><${Text} v=${item.text} /> <span class="muted"><${Mono} v=${item.code} /> ${item.since && html`· <${Time} at=${item.since} />`}</span></li>`)}</ul><//>`;

const SERVICES_SHOWN = 40;

const Services = ({ names }) => names.length > 0 && html`<p aria-label=${t('nav.services')} role="group"><span class="muted">${t('nav.services')}:</span>${names.slice(0, SERVICES_SHOWN).map((name) => html`
  <a href=${href(['services', name])}><${Text} v=${name} /></a>`)}${names.length > SERVICES_SHOWN && ' …'}</p>`;

function Tiles({ data }) {
  const files = Object.values(data.files ?? {}).reduce((sum, n) => sum + n, 0);
  return html`<dl class="tiles">
    <${Tile} label=${t('configuration')}><${ConfigState} state=${data.config?.state} /><//>
    <${Tile} label=${t('files')} sub=${data.files?.throttled > 0 && `${number(data.files.throttled)} ${tcode('file_state', 'throttled')}`}>${number(files)}<//>
    <${Tile} label=${t('lag')}>${bytes(data.lag_bytes)}<//>
    <${Tile} label=${t('addresses')} sub=${data.ips?.length > 1 && html`<span class="ellipsis"><${Text} v=${data.ips.slice(1).join(', ')} /></span>`}><${Mono} v=${data.primary_ip ?? data.ips?.[0]} /><//>
    <${Tile} label=${t('kafka')}>${data.kafka ? html`<${State} kind=${data.kafka.state === 'up' ? 'ok' : 'bad'}>${tcode('kafka', data.kafka.state)}<//>` : '–'}<//>
    <${Tile} label=${t('version')}><${Text} v=${data.version ?? '–'} /><//></dl>`;
}

const FILE_KINDS = { tailing: 'ok', done: 'off', waiting: 'off', draining: 'busy', throttled: 'warn', denied: 'bad', error: 'bad', shadowed: 'off' };

function Files({ name, route }) {
  const [text, setText] = useState(route.query.get('q') ?? '');
  const q = useSettled(text, 200);
  useEffect(() => {
    if (q !== (route.query.get('q') ?? '')) setQuery({ q });
  }, [q]);
  const pages = usePages((token) => api.hostFiles(name, { q: q || undefined, limit: 100, page_token: token ?? undefined }), { every: 3000 });
  return html`<div class="filters"><${Search} value=${text} onChange=${setText} label=${t('files.search')} /></div>
    <${List} pages=${pages} caption=${t('files')} keyOf=${(row) => `${row.path} ${row.topic} ${row.generation}`} columns=${FILE_COLUMNS()}
      empty=${html`<${Empty} title=${q ? t('list.nothing') : t('files.empty')}>${!q && html`<p>${t('files.empty_text')}</p>`}<//>`} />`;
}

const FILE_COLUMNS = () => [
  { brief: true, label: t('path'), class: 'grow', render: (row) => html`<div class="path"><${Mono} v=${row.path} /><${Copy} text=${row.path} /></div>
      ${row.last_error && html`<div class="error small"><${Text} v=${row.last_error} lines /></div>`}` },
  { label: t('service'), render: (row) => (row.service ? html`<a href=${href(['services', row.service])}><${Text} v=${row.service} /></a>` : html`<span class="muted">–</span>`) },
  { brief: true, label: t('topic'), class: 'wide-only', render: (row) => html`<${Mono} v=${row.topic} />` },
  { brief: true, label: t('state'), class: 'nowrap', render: (row) => html`<${State} kind=${FILE_KINDS[row.state] ?? 'off'}>${tcode('file_state', row.state)}<//>
      ${row.throttled_seconds > 0 && html`<div class="muted small">${t('files.throttled', { time: duration(row.throttled_seconds) })}</div>`}` },
  { label: t('acked'), num: true, class: 'nowrap', render: (row) => html`<span title=${`${number(row.acked_offset)} / ${number(row.size)} B`}>${bytes(row.acked_offset)}</span>
      ${row.size != null && html`<div class="muted small">${t('files.of', { size: bytes(row.size) })}</div>`}` },
  { label: t('lag'), num: true, class: 'nowrap', render: (row) => html`${bytes(row.lag_bytes)}${row.eta_to_loss_s > 0 && html`<div class="error small">${t('files.loss', { time: duration(row.eta_to_loss_s) })}</div>`}` },
  { label: t('rate'), num: true, class: 'nowrap', render: (row) => html`${lines(row.lines_per_s)}${row.bytes_per_s > 0 && html`<div class="muted small">${bytesPerSecond(row.bytes_per_s)}</div>`}` },
  { label: t('limit'), num: true, class: 'nowrap wide-only', render: (row) => html`<span class=${row.send_rate ? '' : 'muted'}>${limit(row.send_rate)}</span>` },
];

const VIEWS = ['desired', 'applied', 'effective'];

function Config({ name, data }) {
  const [desired, applied, effective] = VIEWS.map((view) => useLoad(api.hostConfig(name, view), { every: 10000 }));
  const all = { desired, applied, effective };
  const differs = desired.data?.entries && applied.data?.entries && !same(desired.data.entries, applied.data.entries);
  const errors = data.config?.errors ?? [];
  return html`<div class="views">${VIEWS.map((view) => html`<${View} key=${view} view=${view} read=${all[view]} first=${desired.data} />`)}</div>
    ${data.config?.drift && html`<${Notice} kind="warn" title=${t('host.drift')}><p>${t('host.drift_text')}</p><//>`}
    <${Refused} errors=${errors} />
    ${differs && html`<section class="card block"><h2 class="pad">${t('host.differs')}</h2><${EntryDiff} diff=${entryDiff(applied.data.entries, desired.data.entries)} /></section>`}
    <${Entries} entries=${desired.data?.entries} />`;
}

function Refused({ errors = [] }) {
  if (!errors.length) return null;
  return html`<section class="block"><h2>${t('host.refused')}</h2><${Table} caption=${t('host.refused')} rows=${errors} keyOf=${(row) => `${row.key}${row.pointer}${row.code}`} columns=${[
    { label: t('place'), class: 'nowrap', render: (row) => html`<${Mono} v=${row.pointer || '/'} />` },
    { label: t('reason'), class: 'grow', render: (row) => html`${tcode('code', row.code)}<div class="muted"><${Text} v=${row.detail} lines /></div>` },
    { label: t('key'), render: (row) => html`<${Mono} v=${row.key} />` }]} /></section>`;
}

/// What the agent itself writes about its files: those that need a look.
function NotTailing({ files = [] }) {
  return html`<section class="block"><h2>${t('host.not_tailing')}</h2>${files.length
    ? html`<${Table} caption=${t('host.not_tailing')} rows=${files} keyOf=${(row) => `${row.path} ${row.topic}`} columns=${FILE_COLUMNS().filter(({ brief }) => brief)} />`
    : html`<p class="muted">${t('host.all_tailing')}</p>`}</section>`;
}

function View({ view, read: { data, error }, first }) {
  const equal = data?.hash && first?.hash === data.hash;
  return html`<section class="card view"><h2>${t(`view.${view}`)}</h2><p class="muted small">${t(`view.${view}_text`)}</p>
    ${error ? html`<p class="error"><${Text} v=${error.message} /></p>`
    : !data ? html`<p class="muted">${t('loading')}</p>`
      : data.entries == null ? html`<${State} kind="off">${t('view.unknown')}<//>`
        : html`<p>${view === 'desired' ? html`<${State} kind="ok">${t('view.entries', { n: number(data.entries.length) })}<//>`
          : equal ? html`<${State} kind="ok">${t('view.same')}<//>` : html`<${State} kind="warn">${t('view.other')}<//>`}</p>
          <p class="small muted">${data.hash && html`<span title=${t('hash')}><${Mono} v=${String(data.hash).slice(0, 12)} /></span>`}
            ${data.revision != null && html` · ${t('view.revision', { n: data.revision })}`}${data.at && html` · <${Time} at=${data.at} />`}</p>`}</section>`;
}

function Entries({ entries }) {
  if (!entries) return null;
  if (!entries.length) return html`<${Empty} title=${t('host.nothing')}><p>${t('host.nothing_text')}</p><//>`;
  return html`<section class="block"><h2>${t('host.entries')}</h2><${Table} caption=${t('host.entries')} rows=${entries} keyOf=${(row) => `${row.log_path} ${row.topic}`} columns=${[
    { label: t('path'), class: 'grow', render: (row) => html`<${Mono} v=${row.log_path} />` },
    { label: t('topic'), render: (row) => html`<${Mono} v=${row.topic} />` },
    { label: t('service'), render: (row) => html`<a href=${href(['services', row.service ?? ''])}><${Text} v=${row.service} /></a>` },
    { label: t('limit'), num: true, render: (row) => limit(row.send_rate) }]} /></section>`;
}
