// All services: what they collect, and on how many hosts it is applied.
import { html, useEffect, useState } from '../dom.js';
import { api } from '../api.js';
import { usePages, useSettled } from '../load.js';
import { href, setQuery } from '../router.js';
import { number } from '../format.js';
import { t } from '../i18n.js';
import { searched } from '../shapes.js';
import { Applied, Choice, CurlButton, Empty, Link, List, Page, Search, Text, Time } from '../parts.js';

const STATES = ['', 'failed', 'waiting', 'disabled'];

export function Services({ route, me }) {
  const [text, setText] = useState(route.query.get('q') ?? '');
  const q = useSettled(text, 200);
  const state = route.query.get('state') ?? '';
  useEffect(() => {
    if (q !== (route.query.get('q') ?? '')) setQuery({ q });
  }, [q]);
  const query = { q: q || undefined, state: state || undefined, limit: 100 };
  const pages = usePages((token) => api.services({ ...query, page_token: token ?? undefined }), { every: 5000, on: ['services'] });
  const mayEdit = ['editor', 'admin'].includes(me.role);
  const create = mayEdit && html`<${Link} kind="button primary" icon="plus" href=${href(['new-service'])}>${t('services.new')}<//>`;
  return html`<${Page} title=${t('nav.services')} sub=${t('services.sub')} actions=${html`<${CurlButton} call=${() => api.services(query)} />${create}`}>
    <div class="filters"><${Search} value=${text} onChange=${setText} label=${t('services.search')} />
      <${Choice} label=${t('state')} value=${state} onChange=${(id) => setQuery({ state: id })}
        options=${STATES.filter((id) => me.features.includes('status') || !['failed', 'waiting'].includes(id)).map((id) => [id, id ? t(`services.state.${id}`) : t('all')])} /></div>
    <${List} pages=${{ ...pages, items: searched(me, pages.items, q, (row) => state !== 'disabled' || row.enabled === false) }} caption=${t('nav.services')} keyOf=${(row) => row.name} columns=${COLUMNS().filter(({ needs }) => !needs || pages.items?.some((row) => row[needs]))}
      empty=${q || state ? html`<${Nothing} q=${q} />` : html`<${Start} create=${create} />`} />
  <//>`;
}

const COLUMNS = () => [
  { label: t('service'), class: 'grow', render: (row) => html`<a class="strong" href=${href(['services', row.name])}><${Text} v=${row.name} /></a>
      ${row.description && html`<div class="muted ellipsis"><${Text} v=${row.description} /></div>`}` },
  { label: t('applied.head'), needs: 'status', class: 'applied-cell', render: (row) => html`<${Applied} status=${row.status} enabled=${row.enabled} />` },
  { label: t('files'), num: true, render: (row) => number(row.files?.length) },
  { label: t('topics'), class: 'wide-only', render: (row) => html`<${Topics} files=${row.files} />` },
  { label: t('owner'), class: 'wide-only', render: (row) => (row.owner ? html`<${Text} v=${row.owner} />` : html`<span class="muted">–</span>`) },
  { label: t('changed'), class: 'nowrap', render: (row) => html`<${Time} at=${row.updated_at} />
      ${row.updated_by && html`<div class="muted ellipsis"><${Text} v=${row.updated_by} /></div>`}` },
];

function Topics({ files }) {
  const topics = [...new Set((files ?? []).map((file) => file.topic))];
  if (!topics.length) return html`<span class="muted">–</span>`;
  return html`<code class="nowrap"><${Text} v=${topics[0]} /></code>${topics.length > 1 && html`<span class="muted nowrap"> +${topics.length - 1}</span>`}`;
}

const Nothing = ({ q }) => html`<${Empty} title=${q ? html`${t('list.nothing_for')} <q><${Text} v=${q} /></q>` : t('list.nothing')}
  action=${html`<a class="button" href=${href(['services'])} onClick=${() => setQuery({ q: '', state: '' })}>${t('list.show_all')}</a>`} />`;

const Start = ({ create }) => html`<${Empty} title=${t('services.empty')} action=${create} commands=${[
  [t('services.empty_agent'), 'logagent agent -c /etc/logagent/agent.ini'],
  [t('services.empty_see'), 'logagent status'],
]}><p>${t('services.empty_text')}</p><//>`;
