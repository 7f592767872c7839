// The API as its own document describes it, with a command for each request.
import { html, useMemo, useState } from '../dom.js';
import { api, curl } from '../api.js';
import { useLoad } from '../load.js';
import { t } from '../i18n.js';
import { Command, Empty, Mono, Page, Problem, Search, Skeleton, Text } from '../parts.js';
import { base } from '../router.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

export function Api() {
  const { data, error, reload } = useLoad(api.openapi());
  const [q, setQ] = useState('');
  const groups = useMemo(() => grouped(data, q.toLowerCase()), [data, q]);
  return html`<${Page} title=${t('nav.api')} sub=${html`${t('api.sub')} <a href=${`${base}openapi.json`} data-plain>openapi.json</a>`}>
    <section class="card pad"><p>${t('api.text')}</p><${Command} text=${`export LOGAGENT_TOKEN=lgw_…\n${curl(api.whoami())}`} /></section>
    <${Problem} error=${error} retry=${reload} />
    ${!data && !error && html`<${Skeleton} rows=${8} />`}
    ${data && html`<div class="filters"><${Search} value=${q} onChange=${setQ} label=${t('api.search')} /></div>`}
    ${data && !groups.length && html`<${Empty} title=${t('list.nothing')} />`}
    ${groups.map(([tag, items]) => html`<section class="card endpoints" key=${tag}><h2><${Text} v=${tag} /></h2>${items.map((item) => html`<${Endpoint} key=${item.method + item.path} ...${item} />`)}</section>`)}<//>`;
}

function grouped(document, q) {
  const groups = new Map();
  for (const [path, item] of Object.entries(document?.paths ?? {})) {
    for (const method of METHODS.filter((name) => item[name])) {
      const operation = item[method];
      if (q && !`${method} ${path} ${operation.summary ?? ''}`.toLowerCase().includes(q)) continue;
      const tag = operation.tags?.[0] ?? path.split('/').filter((part) => part && part !== 'api' && part !== 'v1')[0]?.split(':')[0] ?? path;
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push({ path, method, operation });
    }
  }
  return [...groups];
}

function Endpoint({ path, method, operation }) {
  const [open, setOpen] = useState(false);
  const example = Object.values(operation.requestBody?.content ?? {})[0];
  const body = example?.example ?? Object.values(example?.examples ?? {})[0]?.value;
  const full = path.startsWith('/api/') ? path : `/api/v1${path}`;
  return html`<details class="endpoint" onToggle=${(event) => setOpen(event.target.open)}><summary>
      <span class=${`method ${method}`}>${method.toUpperCase()}</span><${Mono} v=${path} /><span class="muted"><${Text} v=${operation.summary} /></span></summary>
    ${open && html`<div class="pad">${operation.description && html`<p><${Text} v=${operation.description} lines /></p>`}
      ${operation['x-role'] && html`<p class="muted">${t('role')}: ${t(`role.${operation['x-role']}`)}</p>`}
      ${operation['x-ctl'] && html`<${Command} text=${operation['x-ctl']} />`}
      <${Command} text=${curl({ method: method.toUpperCase(), url: full, body })} /></div>`}</details>`;
}
