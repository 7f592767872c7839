// What a change would do, host by host: hosts that change alike are shown once.
import { html, useMemo, useState } from './dom.js';
import { href } from './router.js';
import { number } from './format.js';
import { t, tcode, tn } from './i18n.js';
import { Mono, Notice, State, Text, Tile } from './parts.js';
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
  const { totals, problems, warnings, hosts, omitted } = plan;
  const groups = groupHosts(hosts);
  return html`
    <dl class="tiles">
      <${Tile} label=${t('plan.hosts')}>${number(totals.hosts)}<//>
      <${Tile} label=${t('plan.added')} kind=${totals.entries_added && 'ok'}>${sign('+', totals.entries_added)}<//>
      <${Tile} label=${t('plan.changed')} kind=${totals.entries_changed && 'busy'}>${sign('±', totals.entries_changed)}<//>
      <${Tile} label=${t('plan.removed')} kind=${totals.entries_removed && 'bad'}>${sign('−', totals.entries_removed)}<//>
    </dl>
    <${Remarks} kind="warn" title=${tn('plan.problems', problems.length)} items=${problems} />
    <${Remarks} kind="info" title=${tn('plan.warnings', warnings.length)} items=${warnings} />
    ${!groups.length && html`<${Notice} title=${t('plan.nothing')}><p>${t('plan.nothing_text')}</p><//>`}
    ${groups.map((group) => html`<${Group} key=${group.hosts[0].host} group=${group} />`)}
    ${omitted > 0 && html`<p class="below muted">${t('plan.omitted', { n: number(omitted) })}</p>`}`;
}

/// What the server says about a plan, with the services and hosts that it concerns.
export function Remarks({ kind, title, items }) {
  if (!items.length) return null;
  return html`<${Notice} kind=${kind} title=${title}><ul>${items.map((item) => html`<li><${Text} v=${item.detail} />
    ${(item.services ?? []).map((name) => html` <a href=${href(['services', name])}><${Text} v=${name} /></a>`)}
    ${(item.hosts ?? []).slice(0, SHOWN).map((name) => html` <a href=${href(['hosts', name])}><${Mono} v=${name} /></a>`)}</li>`)}</ul><//>`;
}

const sign = (mark, value) => (value ? `${mark}${number(value)}` : '0');
const SHOWN = 12;

function Group({ group: { hosts, diff, held } }) {
  const [all, setAll] = useState(false);
  const shown = all ? hosts : hosts.slice(0, SHOWN);
  return html`<section class="card plan-group">
    <header><h2>${tn('hosts', hosts.length)}${held && html` <${State} kind="warn">${tcode('held', held)}<//>`}</h2>
      ${held && html`<p class="muted">${tcode('held_text', held)}</p>`}
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
