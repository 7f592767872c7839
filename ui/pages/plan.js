// The plan of a draft: every host's difference, conflicts first, then a reason and the button.
import { html, useEffect, useState } from '../dom.js';
import { api } from '../api.js';
import { useLoad, useSend } from '../load.js';
import { go, href } from '../router.js';
import { t } from '../i18n.js';
import { Choice, Empty, Field, Notice, Page, Problem, Skeleton } from '../parts.js';
import { duration } from '../format.js';
import { Flag } from '../service_form.js';
import { NEW, draftOf, dropDraft } from '../service.js';
import { PlanView } from '../plan_view.js';
import { ApplyForm } from '../apply_form.js';
import { savedOf } from '../shapes.js';
import { save } from '../stored.js';
import { CRUMBS } from './service.js';

export function Plan({ route, me }) {
  const fresh = route.segments[0] === 'new-service';
  const name = fresh ? NEW : route.segments[1];
  const [draft] = useState(() => draftOf(name));
  const editor = href(fresh ? ['new-service'] : ['services', name]);
  const plan = useLoad(draft && api.saveService(draft.doc, { etag: draft.etag, dryRun: true }));
  const { run, busy, error, clear } = useSend();
  const [stages, setStages] = useState({ on: false, bake_s: 300, automatic: true });
  const title = t('plan.title');
  const crumbs = [...CRUMBS(), [fresh ? draft?.doc.name || t('service.new') : name, editor]];
  const shown = error ?? plan.error;
  useEffect(() => {
    // The editor knows how to merge and where the fields are.
    if (shown && (shown.status === 412 || (shown.errors.length && shown.status !== 409))) go(editor);
  }, [shown]);
  if (!draft) {
    return html`<${Page} title=${title} crumbs=${crumbs}><${Empty} title=${t('plan.no_draft')} action=${html`<a class="button" href=${editor}>${t('plan.edit')}</a>`}>
      <p>${t('plan.no_draft_text')}</p><//><//>`;
  }
  const mayStage = me.features.includes('rollouts') && (plan.data?.totals?.hosts ?? 0) > 1;
  const staged = mayStage && stages.on;
  const write = (message) => (staged
    ? api.startRollout(draft.doc, { etag: draft.etag, message, bake_s: stages.bake_s, automatic: stages.automatic })
    : api.saveService(draft.doc, { etag: draft.etag, message }));
  const apply = async (message) => {
    const answer = await run(write(message));
    if (!answer) return;
    dropDraft(name);
    if (staged) {
      go(href(['rollouts', answer.data.id]), { replace: true });
      return;
    }
    save(`saved.${draft.doc.name}`, savedOf(answer, plan.data), 'session');
    go(href(['services', draft.doc.name, 'result'], { revision: answer.data?.revision }), { replace: true });
  };
  return html`<${Page} title=${title} crumbs=${crumbs} sub=${t('plan.sub')}>
    ${shown?.status === 409 && shown.code !== 'plan_errors' ? html`<${Notice} kind="warn" title=${t('plan.moved')} actions=${html`<button type="button" class="button" onClick=${() => { clear(); plan.reload(); }}>${t('plan.again')}</button>`}>
      <p>${t('plan.moved_text')}</p><//>` : html`<${Problem} error=${shown} retry=${plan.error ? plan.reload : null} />`}
    ${plan.loading && html`<${Skeleton} rows=${8} />`}
    ${plan.data && html`<${PlanView} plan=${plan.data} before=${draft.base} after=${draft.doc} />
      ${mayStage && html`<${Stages} value=${stages} onChange=${setStages} />`}
      <${ApplyForm} plan=${plan.data} call=${write} apply=${apply} busy=${busy} button=${staged ? t('rollouts.begin') : undefined} back=${html`<a class="button quiet" href=${editor}>${t('plan.edit')}</a>`} />`}
  <//>`;
}

const BAKES = [60, 300, 900, 3600];

/// All hosts at once, or some first.
function Stages({ value, onChange }) {
  return html`<section class="card pad stages"><h2>${t('rollouts.how')}</h2>
    <${Choice} label=${t('rollouts.how')} value=${value.on ? 'stages' : 'once'} onChange=${(id) => onChange({ ...value, on: id === 'stages' })} options=${[['once', t('rollouts.at_once')], ['stages', t('rollouts.in_stages')]]} />
    ${value.on && html`<p class="muted">${t('rollouts.how_text')}</p><div class="grid">
      <${Field} label=${t('rollouts.bake')} help=${t('rollouts.bake_help')}>${(props) => html`<select ...${props} value=${value.bake_s} onChange=${(event) => onChange({ ...value, bake_s: Number(event.target.value) })}>${BAKES.map((s) => html`<option value=${s}>${duration(s)}</option>`)}</select>`}<//>
      <${Flag} label=${t('rollouts.automatic')} help=${t('rollouts.automatic_help')} value=${value.automatic} onChange=${(automatic) => onChange({ ...value, automatic })} /></div>`}</section>`;
}
