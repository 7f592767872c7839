// All hosts: who is there, what each runs, how far behind it is.
import { html, useEffect, useState } from '../dom.js';
import { api } from '../api.js';
import { usePages, useSettled } from '../load.js';
import { href, setQuery } from '../router.js';
import { bytes, number } from '../format.js';
import { t, tcode } from '../i18n.js';
import { searched } from '../shapes.js';
import { Choice, ConfigState, CurlButton, Empty, HostState, Labels, List, Mono, Page, Search, Seen, State, Text } from '../parts.js';

const STATES = ['', 'healthy', 'degraded', 'offline'];

export function Hosts({ route, me }) {
  const [text, setText] = useState(route.query.get('q') ?? '');
  const q = useSettled(text, 200);
  const state = route.query.get('state') ?? '';
  const sort = route.query.get('sort') ?? 'host';
  useEffect(() => {
    if (q !== (route.query.get('q') ?? '')) setQuery({ q });
  }, [q]);
  // A condition is a selector, a word is a search.
  const search = me.features.includes('search');
  const selector = search && /[=~]/.test(q);
  const query = { [selector ? 'selector' : 'q']: q || undefined, state: state || undefined, sort, limit: 100 };
  const pages = usePages((token) => api.hosts({ ...query, page_token: token ?? undefined }), { every: 5000, on: ['hosts'] });
  return html`<${Page} title=${t('nav.hosts')} sub=${t('hosts.sub')} wide actions=${html`<${CurlButton} call=${() => api.hosts(query)} />`}>
    <div class="filters"><${Search} value=${text} onChange=${setText} label=${t(search ? 'hosts.search' : 'hosts.search_plain')} />
      <${Choice} label=${t('state')} value=${state} onChange=${(id) => setQuery({ state: id })} options=${STATES.map((id) => [id, id ? t(`host_state.${id}`) : t('all')])} />
      ${search && html`<${Choice} label=${t('sort')} value=${sort} onChange=${(id) => setQuery({ sort: id === 'host' ? '' : id })} options=${[['host', t('sort.host')], ['-lag_bytes', t('sort.lag')]]} />`}</div>
    <${List} pages=${{ ...pages, items: searched(me, pages.items, q, (row) => !state || row.state === state) }} kind="hosts-table" caption=${t('nav.hosts')} keyOf=${(row) => row.host} columns=${COLUMNS().filter(({ known }) => !known || pages.items?.some(known))}
      empty=${q || state ? html`<${Empty} title=${t('list.nothing')} action=${html`<a class="button" href=${href(['hosts'])} onClick=${() => setText('')}>${t('list.show_all')}</a>`} />` : html`<${NoHosts} />`} /><//>`;
}

export const NoHosts = () => html`<${Empty} title=${t('hosts.empty')} commands=${[
  [t('hosts.empty_install'), 'sudo apt install ./logagent_*.deb'],
  [t('hosts.empty_ini'), 'sudoedit /etc/logagent/agent.ini'],
  [t('hosts.empty_check'), 'logagent check -c /etc/logagent/agent.ini'],
  [t('hosts.empty_run'), 'sudo systemctl enable --now logagent-agent'],
]}><p>${t('hosts.empty_text')}</p><//>`;

const FILE_KINDS = { throttled: 'warn', error: 'bad', denied: 'bad' };

/// "12 tailing" and, in colour, what is not well.
export function FileCounts({ files }) {
  const entries = Object.entries(files ?? {}).filter(([, n]) => n > 0);
  if (!entries.length) return html`<span class="muted">–</span>`;
  const bad = entries.filter(([state]) => FILE_KINDS[state]);
  const all = entries.reduce((sum, [, n]) => sum + n, 0);
  return html`<span class="num">${number(all)}</span>${bad.map(([state, n]) => html` <${State} kind=${FILE_KINDS[state]}>${number(n)} ${tcode('file_state', state)}<//>`)}`;
}

const COLUMNS = () => [
  { label: t('host'), class: 'grow', render: (row) => html`<a class="strong" href=${href(['hosts', row.host])}><${Text} v=${row.host} /></a>
      <div class="muted small"><${Mono} v=${row.primary_ip ?? row.ips?.[0] ?? ''} /></div>` },
  { label: t('state'), class: 'nowrap', render: (row) => html`<${HostState} state=${row.state} />${row.problems?.length > 0 && html`<div class="muted ellipsis small"><${Text} v=${row.problems[0].text} /></div>`}` },
  { label: t('configuration'), class: 'nowrap', render: (row) => html`<${ConfigState} state=${row.config?.state} />` },
  { label: t('files'), class: 'nowrap', render: (row) => html`<${FileCounts} files=${row.files} />` },
  { label: t('lag'), known: (row) => row.lag_bytes != null, num: true, class: 'nowrap', render: (row) => bytes(row.lag_bytes) },
  { label: t('labels'), known: (row) => Object.keys(row.labels ?? {}).length > 0, class: 'wide-only', render: (row) => html`<${Labels} labels=${row.labels} />` },
  { label: t('version'), class: 'wide-only nowrap', render: (row) => html`<span class="muted"><${Text} v=${row.version} /></span>` },
  { label: t('seen'), class: 'nowrap', render: (row) => html`<${Seen} host=${row} />` },
];
