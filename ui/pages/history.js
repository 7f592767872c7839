// The revisions of a service, the difference of any two, and the way back. History is never rewritten: a
// rollback is a new revision.
import { html, useEffect } from '../dom.js';
import { api } from '../api.js';
import { useLoad, usePages, useSend } from '../load.js';
import { go, href, setQuery } from '../router.js';
import { t, tcode, tn } from '../i18n.js';
import { Button, Copy, Empty, Page, Problem, Skeleton, Text, Time } from '../parts.js';
import { documentOf } from '../service.js';
import { PlanView, TextDiff } from '../plan_view.js';
import { ApplyForm } from '../apply_form.js';
import { savedOf } from '../shapes.js';
import { save } from '../stored.js';
import { CRUMBS, ServiceTabs } from './service.js';

export function History({ route, me }) {
  const name = route.segments[1];
  const pages = usePages((token) => api.revisions(name, { limit: 50, page_token: token ?? undefined }));
  const items = pages.items ?? [];
  const newest = items[0]?.revision;
  const to = route.query.get('to') ?? (newest == null ? null : String(newest));
  const at = items.findIndex((item) => String(item.revision) === to);
  const from = route.query.get('from') ?? (at >= 0 && items[at + 1] ? String(items[at + 1].revision) : null);
  const back = route.query.get('rollback');
  if (back) return html`<${Rollback} name=${name} revision=${back} me=${me} />`;
  return html`<${Page} title=${name} crumbs=${CRUMBS()} wide>
    <${ServiceTabs} name=${name} current="history" me=${me} />
    <${Problem} error=${pages.error} retry=${pages.reload} />
    ${!pages.items && !pages.error && html`<${Skeleton} rows=${8} />`}
    ${pages.items?.length === 0 && html`<${Empty} title=${t('history.empty')}><p>${t('history.empty_text')}</p><//>`}
    ${items.length > 0 && html`<div class="history">
      <div><ol class="revisions" aria-label=${t('tab.history')}>${items.map((item, i) => html`<${Revision} key=${item.revision} item=${item} newest=${i === 0} from=${from} to=${to}
        before=${items[i + 1]?.revision} mayRoll=${['editor', 'admin'].includes(me.role)} />`)}</ol>
        ${pages.next && html`<${Button} kind="quiet" busy=${pages.busy} onClick=${pages.more}>${t('list.more')}<//>`}</div>
      ${to && html`<${Difference} key=${`${from}-${to}`} name=${name} from=${from} to=${to} items=${items} />`}
    </div>`}<//>`;
}

function Revision({ item, newest, from, to, before, mayRoll }) {
  const shown = String(item.revision) === to;
  return html`<li class=${shown ? 'current' : String(item.revision) === from ? 'base' : ''} data-row tabindex="-1">
    <a href=${`?${new URLSearchParams({ ...(before != null && { from: before }), to: item.revision })}`} aria-current=${shown ? 'true' : undefined}>
      <span class="revision-head"><span class="strong num">${item.revision}</span>
        ${newest && html`<span class="tag">${t('history.newest')}</span>`}<span class="muted">${tcode('action', item.action)}</span></span>
      <span class="revision-message"><${Text} v=${item.message} /></span>
      <span class="muted small"><${Text} v=${item.by} /> · <${Time} at=${item.at} /></span></a>
    ${mayRoll && !newest && html`<${Button} kind="quiet small" onClick=${() => setQuery({ rollback: item.revision }, { replace: false })}>${t('history.rollback')}<//>`}</li>`;
}

function Difference({ name, from, to, items }) {
  const after = useLoad(api.revision(name, to));
  const before = useLoad(from ? api.revision(name, from) : null);
  const error = after.error ?? before.error;
  const ready = after.data && (!from || before.data);
  return html`<section class="card difference">
    <header><h2>${from ? t('history.difference', { from, to }) : t('history.first', { to })}</h2>
      <label class="inline">${t('history.compare')}<select value=${from ?? ''} onChange=${(event) => setQuery({ from: event.target.value, to })}>
        ${!from && html`<option value="">–</option>`}${items.filter((item) => String(item.revision) !== to).map((item) => html`<option value=${item.revision}>${item.revision}</option>`)}</select></label>
      ${ready && html`<${Copy} text=${JSON.stringify(documentOf(after.data.document ?? {}), null, 2)} label=${t('history.copy')} />`}</header>
    <${Problem} error=${error} retry=${() => { after.reload(); before.reload(); }} />
    ${!ready && !error && html`<${Skeleton} rows=${10} />`}
    ${ready && html`<${TextDiff} before=${from ? documentOf(before.data.document ?? {}) : null} after=${documentOf(after.data.document ?? {})} />`}
  </section>`;
}

function Rollback({ name, revision }) {
  const current = useLoad(api.service(name));
  const target = useLoad(api.revision(name, revision));
  const plan = useLoad(current.etag ? api.rollback(name, { revision: Number(revision), etag: current.etag, dryRun: true }) : null);
  const { run, busy, error } = useSend();
  const write = (message) => api.rollback(name, { revision: Number(revision), etag: current.etag, message });
  const apply = async (message) => {
    const answer = await run(write(message));
    if (!answer) return;
    save(`saved.${name}`, savedOf(answer, plan.data), 'session');
    go(href(['services', name, 'result'], { revision: answer.data?.revision }), { replace: true });
  };
  useEffect(() => {
    if (error?.status === 412) current.reload();
  }, [error]);
  const history = href(['services', name, 'history']);
  return html`<${Page} title=${t('history.rollback_to', { revision })} crumbs=${[...CRUMBS(), [name, href(['services', name])], [t('tab.history'), history]]} sub=${t('history.rollback_text')}>
    <${Problem} error=${error ?? current.error ?? plan.error} />
    ${!plan.data && !plan.error && !current.error && html`<${Skeleton} rows=${8} />`}
    ${plan.data && html`<${PlanView} plan=${plan.data} before=${current.data && documentOf(current.data)} after=${target.data && documentOf(target.data.document ?? {})} />
      <${ApplyForm} plan=${plan.data} call=${write} apply=${apply} busy=${busy} button=${plan.data.totals ? tn('history.apply', plan.data.totals.hosts) : t('history.rollback')}
        initial=${t('history.message', { revision })} back=${html`<a class="button quiet" href=${history}>${t('cancel')}</a>`} />`}<//>`;
}
