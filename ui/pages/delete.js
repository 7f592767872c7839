// Deleting a service: what its hosts stop collecting, a reason, and the button.
import { html } from '../dom.js';
import { api } from '../api.js';
import { useLoad, useSend } from '../load.js';
import { go, href } from '../router.js';
import { t } from '../i18n.js';
import { Page, Problem, Skeleton } from '../parts.js';
import { documentOf, dropDraft } from '../service.js';
import { PlanView } from '../plan_view.js';
import { ApplyForm } from '../apply_form.js';
import { plain } from '../visible.js';
import { CRUMBS } from './service.js';

export function Delete({ route }) {
  const name = route.segments[1];
  const stored = useLoad(api.service(name));
  const plan = useLoad(stored.etag ? api.deleteService(name, { etag: stored.etag, dryRun: true }) : null);
  const { run, busy, error } = useSend();
  const write = (message) => api.deleteService(name, { etag: stored.etag, message });
  const apply = async (message) => {
    if (!await run(write(message))) return;
    dropDraft(name);
    go(href(['services']), { replace: true });
  };
  const service = href(['services', name]);
  const ready = stored.data && !plan.loading && !plan.error;
  return html`<${Page} title=${t('delete.title', { name: plain(name) })} crumbs=${[...CRUMBS(), [name, service]]} sub=${t('delete.text')}>
    <${Problem} error=${error ?? stored.error ?? plan.error} />
    ${!ready && !stored.error && !plan.error && html`<${Skeleton} rows=${6} />`}
    ${ready && html`<${PlanView} plan=${plan.data ?? {}} before=${documentOf(stored.data)} after=${{}} />
      <${ApplyForm} plan=${plan.data ?? {}} call=${write} apply=${apply} busy=${busy} danger button=${t('delete.button')}
        back=${html`<a class="button quiet" href=${service}>${t('cancel')}</a>`} />`}<//>`;
}
