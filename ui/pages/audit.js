// Who changed what, when, from where and why. Refused attempts are here too.
import { html, useEffect, useState } from '../dom.js';
import { api } from '../api.js';
import { usePages, useSettled } from '../load.js';
import { href, setQuery } from '../router.js';
import { t, tcode } from '../i18n.js';
import { searched } from '../shapes.js';
import { CurlButton, Empty, List, Mono, Page, Search, State, Text, Time } from '../parts.js';

export function Audit({ route, me }) {
  const [text, setText] = useState(route.query.get('q') ?? '');
  const q = useSettled(text, 200);
  useEffect(() => {
    if (q !== (route.query.get('q') ?? '')) setQuery({ q });
  }, [q]);
  const query = { q: q || undefined, limit: 100 };
  const pages = usePages((token) => api.audit({ ...query, page_token: token ?? undefined }), { every: 10000, on: ['audit'] });
  return html`<${Page} title=${t('nav.audit')} sub=${t('audit.sub')} wide actions=${html`<${CurlButton} call=${() => api.audit(query)} />`}>
    <div class="filters"><${Search} value=${text} onChange=${setText} label=${t('audit.search')} /></div>
    <${List} pages=${{ ...pages, items: searched(me, pages.items, q) }} caption=${t('nav.audit')} keyOf=${(row) => row.id} columns=${COLUMNS()}
      empty=${html`<${Empty} title=${q ? t('list.nothing') : t('audit.empty')}>${!q && html`<p>${t('audit.empty_text')}</p>`}<//>`} /><//>`;
}

const KINDS = { done: 'ok', refused: 'warn', failed: 'bad' };

const COLUMNS = () => [
  { label: t('when'), class: 'nowrap', render: (row) => html`<${Time} at=${row.at} />` },
  { label: t('who'), render: (row) => html`<${Text} v=${row.actor?.name} /><div class="muted small"><${Mono} v=${row.peer} /></div>` },
  { label: t('what'), class: 'nowrap', render: (row) => html`${tcode('action', row.action)}` },
  { label: t('object'), render: (row) => html`<${Thing} row=${row} />` },
  { label: t('why'), class: 'grow', render: (row) => html`<${Text} v=${row.message} />${row.reason && html`<div class="muted small"><${Text} v=${row.reason} lines /></div>`}` },
  { label: t('outcome'), class: 'nowrap', render: (row) => html`<${State} kind=${KINDS[row.result] ?? 'off'}>${tcode('outcome', row.result)}<//>` },
];

function Thing({ row }) {
  if (!row.target) return html`<span class="muted">–</span>`;
  const kind = String(row.action ?? '').split('.')[0];
  if (kind !== 'service' && kind !== 'host') return html`<${Mono} v=${row.target} />`;
  return html`<a href=${href([`${kind}s`, row.target])}><${Text} v=${row.target} /></a>${kind === 'service' && row.revision != null && html`
    <a class="small" href=${href(['services', row.target, 'history'], { to: row.revision })}> ${t('audit.revision', { n: row.revision })}</a>`}`;
}
