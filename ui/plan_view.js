// What a change would do, host by host: hosts that change alike are shown once.
import { html, useMemo, useState } from './dom.js';
import { api, send } from './api.js';
import { href } from './router.js';
import { number } from './format.js';
import { t, tn } from './i18n.js';
import { Button, Mono, Notice, Text, Tile } from './parts.js';
import { folded, groupHosts, lineDiff } from './diff.js';

/// `before` and `after` are the documents of the service, for the change of the definition itself.
export function PlanView({ plan, before, after }) {
  return html`${plan.totals ? html`<${Hosts} plan=${plan} />` : html`<${Notice} title=${t('plan.absent')}><p>${t('plan.absent_text')}</p><//>`}
    ${after && html`<details class="card definition" open=${!plan.totals}><summary>${t('plan.definition')}</summary>
      <${TextDiff} before=${before} after=${after} /></details>`}`;
}

const pretty = (document) => (document ? JSON.stringify(document, null, 2) : '');

/// The difference of two documents, line by line; long equal parts are folded.
export function TextDiff({ before, after }) {
  const [whole, setWhole] = useState(false);
  const lines = useMemo(() => lineDiff(pretty(before), pretty(after)).filter((line) => before || line.text), [before, after]);
  const shown = whole ? lines : folded(lines);
  if (!lines.some((line) => line.kind !== 'same')) return html`<p class="muted pad">${t('history.same')}</p>`;
  return html`<div class="lines" tabindex="0" role="group" aria-label=${t('plan.definition')}>${shown.map((line) => (line.kind === 'fold'
    ? html`<button type="button" class="fold" onClick=${() => setWhole(true)}>${tn('history.fold', line.lines.length)}</button>`
    : html`<span class=${line.kind}><i aria-hidden="true">${{ added: '+', removed: '−', same: ' ' }[line.kind]}</i><${Text} v=${line.text} /></span>`))}</div>`;
}

function Hosts({ plan }) {
  const { totals = {}, conflicts = [], warnings = [] } = plan;
  const [more, setMore] = useState({ hosts: [], next: plan.next_page_token ?? null, busy: false });
  const hosts = [...(plan.hosts ?? []), ...more.hosts];
  const groups = groupHosts(hosts);
  const loadMore = async () => {
    setMore((old) => ({ ...old, busy: true }));
    try {
      const { data } = await send(api.plan(plan.plan_id, more.next));
      setMore((old) => ({ hosts: [...old.hosts, ...data.hosts], next: data.next_page_token ?? null, busy: false }));
    } catch {
      setMore((old) => ({ ...old, busy: false }));
    }
  };
  return html`
    <dl class="tiles">
      <${Tile} label=${t('plan.hosts')}>${number(totals.hosts)}<//>
      <${Tile} label=${t('plan.added')} kind="ok">${sign('+', totals.entries_added)}<//>
      <${Tile} label=${t('plan.changed')} kind="busy">${sign('±', totals.entries_changed)}<//>
      <${Tile} label=${t('plan.removed')} kind="bad">${sign('−', totals.entries_removed)}<//>
    </dl>
    ${conflicts.length > 0 && html`<${Notice} kind="bad" title=${tn('plan.conflicts', conflicts.length)}><p>${t('plan.conflicts_text')}</p>
      <ul>${conflicts.map((item) => html`<li><${Text} v=${item.detail} />${item.services?.length > 0 && html` <span class="links">${item.services.map((name) => html`
        <a href=${href(['services', name])}><${Text} v=${name} /></a> `)}</span>`}</li>`)}</ul><//>`}
    ${warnings.length > 0 && html`<${Notice} kind="warn" title=${tn('plan.warnings', warnings.length)}>
      <ul>${warnings.map((item) => html`<li>${item.host && html`<${Mono} v=${item.host} /> `}<${Text} v=${item.detail} /></li>`)}</ul><//>`}
    ${!totals.hosts && !conflicts.length && html`<${Notice} title=${t('plan.nothing')}><p>${t('plan.nothing_text')}</p><//>`}
    ${groups.map((group) => html`<${Group} key=${group.hosts[0].host} group=${group} />`)}
    ${more.next && html`<p class="below"><${Button} kind="quiet" busy=${more.busy} onClick=${loadMore}>${t('plan.more')}<//>
      <span class="muted">${t('list.some', { n: number(hosts.length), all: number(totals.hosts) })}</span></p>`}`;
}

const sign = (mark, value) => (value ? `${mark}${number(value)}` : '0');
const SHOWN = 12;

function Group({ group: { hosts, diff } }) {
  const [all, setAll] = useState(false);
  const shown = all ? hosts : hosts.slice(0, SHOWN);
  return html`<section class="card plan-group">
    <header><h2>${tn('hosts', hosts.length)}</h2>
      <ul class="names">${shown.map(({ host, address }) => html`<li><a href=${href(['hosts', host])}><${Mono} v=${host} /></a>${address && hosts.length === 1 && html` <span class="muted"><${Text} v=${address} /></span>`}</li>`)}
        ${hosts.length > shown.length && html`<li><button type="button" class="link" onClick=${() => setAll(true)}>${t('matches.more', { n: number(hosts.length - shown.length) })}</button></li>`}</ul></header>
    <${EntryDiff} diff=${diff} /></section>`;
}

/// The difference of two logconfig arrays, entry by entry, field by field.
export function EntryDiff({ diff }) {
  return html`<div class="entry-diff">
    ${diff.added.map((entry) => html`<${Whole} kind="added" mark="+" entry=${entry} />`)}
    ${diff.changed.map((item) => html`<${Changed} item=${item} />`)}
    ${diff.removed.map((entry) => html`<${Whole} kind="removed" mark="−" entry=${entry} />`)}
    ${diff.same.length > 0 && html`<p class="muted small same">${tn('plan.same', diff.same.length)}</p>`}</div>`;
}

const Head = ({ mark, entry, word }) => html`<p class="diff-head"><span class="sign" aria-hidden="true">${mark}</span><span class="hidden">${word} </span>
  <${Mono} v=${entry.log_path} /><span class="muted" aria-hidden="true">→</span><${Mono} v=${entry.topic} />${entry.service && html`<span class="muted"><${Text} v=${entry.service} /></span>`}</p>`;

const HEAD = ['log_path', 'topic', 'service'];
const value = (item) => (item === undefined ? html`<span class="muted">${t('none')}</span>` : html`<${Mono} v=${typeof item === 'string' ? item : JSON.stringify(item)} />`);

function Whole({ kind, mark, entry }) {
  const fields = Object.entries(entry).filter(([name, item]) => !HEAD.includes(name) && item !== 0 && item !== '');
  return html`<div class=${`diff ${kind}`}><${Head} mark=${mark} entry=${entry} word=${t(`plan.word.${kind}`)} />
    ${fields.length > 0 && html`<dl class="fields">${fields.map(([name, item]) => html`<div><dt>${name}</dt><dd>${value(item)}</dd></div>`)}</dl>`}</div>`;
}

function Changed({ item: { after, fields } }) {
  return html`<div class="diff changed"><${Head} mark="±" entry=${after} word=${t('plan.word.changed')} />
    <dl class="fields">${fields.map((field) => html`<div><dt>${field.name}</dt><dd>${field.before === undefined ? value() : html`<del>${value(field.before)}</del>`}<span aria-hidden="true"> → </span><ins>${value(field.after)}</ins></dd></div>`)}</dl></div>`;
}
