// One service: a form and its JSON, two views of the same draft. Nothing is written from here: the draft
// goes to the plan, which shows what it would do first.
import { html, useEffect, useMemo, useRef, useState } from '../dom.js';
import { api, send } from '../api.js';
import { useLoad, useSend } from '../load.js';
import { go, href, setQuery } from '../router.js';
import { t } from '../i18n.js';
import { Applied, Button, CurlButton, Notice, Page, Problem, Skeleton, Tabs, Text, Time } from '../parts.js';
import { NEW, check, documentOf, draftOf, dropDraft, editable, emptyService, saveDraft } from '../service.js';
import { same } from '../diff.js';
import { load } from '../stored.js';
import { plain } from '../visible.js';
import { ServiceForm } from '../service_form.js';
import { JsonEditor } from '../json_editor.js';
import { MergeDialog } from '../merge_dialog.js';

/// Tabs of a service, shared with its history.
export const ServiceTabs = ({ name, current, me }) => html`<${Tabs} label=${t('service')} current=${current} items=${[
  { id: 'form', text: t('tab.form'), url: href(['services', name]) },
  { id: 'json', text: t('tab.json'), url: href(['services', name], { tab: 'json' }) },
  ...(me.features?.includes('status') || load(`saved.${name}`, 'session') ? [{ id: 'result', text: t('tab.result'), url: href(['services', name, 'result']) }] : []),
  ...(me.features?.includes('rates') ? [{ id: 'rates', text: t('tab.rates'), url: href(['services', name, 'rates']) }] : []),
  ...(me.features?.includes('history') ? [{ id: 'history', text: t('tab.history'), url: href(['services', name, 'history']) }] : []),
]} />`;

export function Service({ route, me }) {
  const fresh = route.segments[0] === 'new-service';
  const name = fresh ? NEW : route.segments[1];
  const stored = useLoad(fresh ? null : api.service(name));
  if (stored.error && !stored.data) {
    return html`<${Page} title=${name} crumbs=${CRUMBS()}><${Problem} error=${stored.error} retry=${stored.reload} /><//>`;
  }
  if (!fresh && !stored.data) return html`<${Page} title=${name} crumbs=${CRUMBS()}><${Skeleton} rows=${10} /><//>`;
  return html`<${Editor} name=${name} stored=${stored.data} etag=${stored.etag} tab=${route.query.get('tab') ?? 'form'} me=${me} reload=${stored.reload} />`;
}

export const CRUMBS = () => [[t('nav.services'), href(['services'])]];

function Editor({ name, stored, etag, tab, me, reload }) {
  const fresh = name === NEW;
  const original = useMemo(() => (stored ? editable(stored) : emptyService()), [stored]);
  const [draft, setDraft] = useState(() => draftOf(name) ?? { base: stored ? documentOf(stored) : null, etag, doc: original });
  const [errors, setErrors] = useState([]);
  const [merging, setMerging] = useState(null);
  const [jsonError, setJsonError] = useState(null);
  const { run, busy, error } = useSend();
  const edited = !same(draft.doc, original);
  const stale = !fresh && etag && draft.etag !== etag;
  const mayEdit = ['editor', 'admin'].includes(me.role);
  const body = useRef(null);

  const change = (doc) => {
    const next = { ...draft, doc };
    setDraft(next);
    saveDraft(name, next);
    setErrors((old) => old.filter((item) => item.fromServer && same(at(doc, item.pointer), at(draft.doc, item.pointer))));
  };
  const discard = () => {
    dropDraft(name);
    setErrors([]);
    setDraft({ base: stored ? documentOf(stored) : null, etag, doc: original });
    if (fresh) go(href(['services']));
  };
  const review = async () => {
    const wrong = check(editable(draft.doc)).map((item) => ({ ...item, detail: t(`check.${item.code}`) }));
    setErrors(wrong);
    if (wrong.length) return focusError(body.current, wrong);
    saveDraft(name, draft);
    const answer = await run(api.saveService(draft.doc, { etag: draft.etag, dryRun: true }));
    if (answer) go(href(fresh ? ['new-service', 'plan'] : ['services', name, 'plan']));
    return undefined;
  };
  const merge = async () => {
    const { data, etag: newest } = await send(api.service(draft.doc.name));
    setMerging({ document: documentOf(data), etag: newest, by: data.updated_by });
  };
  useEffect(() => {
    if (!error) return;
    if (error.status === 412) {
      if (error.current && error.etag) setMerging({ document: documentOf(error.current), etag: error.etag, by: error.current.updated_by });
      else merge();
    } else if (error.errors.length) {
      const found = error.errors.map((item) => ({ ...item, fromServer: true }));
      setErrors(found);
      focusError(body.current, found);
    }
  }, [error]);
  const keys = (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && mayEdit) review();
  };

  return html`<${Page} title=${fresh ? t('service.new') : name} crumbs=${CRUMBS()}
      actions=${!fresh && me.features?.includes('tail') && html`<a class="button" href=${href(['tail'], { service: name, run: 1 })}>${t('nav.tail')}</a>`}
      sub=${!fresh && html`${(stored.status || stored.enabled === false) && html`<${Applied} status=${stored.status} enabled=${stored.enabled} bar=${false} />`} ${stored.updated_at && html`<span class="muted">${t('changed')} <${Time} at=${stored.updated_at} />
        ${stored.updated_by && html` · <${Text} v=${stored.updated_by} />`}</span>`}`}>
    ${fresh ? html`<${Tabs} label=${t('service')} current=${tab} items=${[
      { id: 'form', text: t('tab.form'), url: href(['new-service']) },
      { id: 'json', text: t('tab.json'), url: href(['new-service'], { tab: 'json' }) }]} />`
    : html`<${ServiceTabs} name=${name} current=${tab} me=${me} />`}
    ${!mayEdit && html`<${Notice} title=${t('service.read_only')}><p>${t('service.read_only_text')}</p><//>`}
    ${stale && html`<${Notice} kind="warn" title=${t('merge.stale')} actions=${html`<${Button} onClick=${merge}>${t('merge.open')}<//>`}>
      <p>${t('merge.stale_text')}</p><//>`}
    ${error && !error.errors.length && error.status !== 412 && html`<${Problem} error=${error} />`}
    ${errors.length > 0 && html`<${ErrorSummary} errors=${errors} root=${body} />`}
    <div ref=${body} class="editor" onKeyDown=${keys}>
      ${tab === 'json'
      ? html`<${JsonEditor} value=${draft.doc} onChange=${change} onError=${setJsonError} readOnly=${!mayEdit} />`
      : html`<fieldset class="plain" disabled=${!mayEdit}><${ServiceForm} service=${editable(draft.doc)} stored=${stored} errors=${errors} fresh=${fresh} onChange=${change} me=${me} /></fieldset>`}
    </div>
    ${mayEdit && html`<footer class="bar-bottom">
      <p class="muted">${edited ? t('service.unsaved') : t('service.no_changes')}</p>
      ${!fresh && html`<a class="button quiet link-danger" href=${href(['services', name, 'delete'])}>${t('delete.link')}</a>`}
      <${CurlButton} call=${() => api.saveService(draft.doc, { etag: draft.etag, message: t('message.example') })} />
      <${Button} kind="quiet" disabled=${!edited && !fresh} onClick=${discard}>${t('service.discard')}<//>
      <${Button} kind="primary" busy=${busy} disabled=${!edited || !!jsonError} onClick=${review}>${t('service.review')}<//>
    </footer>`}
    ${merging && html`<${MergeDialog} base=${draft.base} mine=${draft.doc} theirs=${merging.document} by=${merging.by}
      onClose=${() => setMerging(null)}
      onMerged=${(doc) => {
      const next = { base: merging.document, etag: merging.etag, doc: editable(doc) };
      setDraft(next);
      saveDraft(name, next);
      setMerging(null);
      if (fresh) go(href(['new-service']));
      else reload();
    }} />`}
  <//>`;
}

const at = (document, pointer) => (pointer ?? '').split('/').slice(1).reduce((value, key) => value?.[key], document);

function focusError(root, errors) {
  const field = root?.querySelector(`[data-pointer="${CSS.escape(errors[0].pointer ?? '')}"]`);
  const more = field?.closest('details');
  if (more) more.open = true;
  (field?.querySelector('input, textarea, select') ?? field)?.focus();
  field?.scrollIntoView({ block: 'center' });
}

function ErrorSummary({ errors, root }) {
  return html`<${Notice} kind="bad" title=${t('service.errors')}><ul>${errors.map((item) => html`<li>
    ${item.pointer && html`<button type="button" class="link" onClick=${() => { setQuery({ tab: '' }); setTimeout(() => focusError(root.current, [item])); }}>
      <code>${plain(item.pointer)}</code></button>`}${' '}<${Text} v=${item.detail ?? item.code} /></li>`)}</ul><//>`;
}
