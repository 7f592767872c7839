// Lines as they arrive in Kafka, of a service, host or file. Bounded: the last rows, and it says what it
// did not show.
import { html, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from '../dom.js';
import { api } from '../api.js';
import { Follower } from '../follower.js';
import { setQuery } from '../router.js';
import { bytes, clock, lines as perSecond, number, percent } from '../format.js';
import { t, tn } from '../i18n.js';
import { Button, Copy, CurlButton, Dialog, Empty, Field, Mono, Notice, Page, Problem, State, Text, copyText } from '../parts.js';
import { useLoad } from '../load.js';
import { hits, levelOfLine } from '../ring.js';

const SUBJECT = ['service', 'host', 'path'];
const FILTERS = [...SUBJECT, 'q', 're'];

export function Tail({ route, me }) {
  const asked = Object.fromEntries(FILTERS.map((name) => [name, route.query.get(name) ?? '']));
  const running = route.query.get('run') === '1' && SUBJECT.some((name) => asked[name]);
  const [form, setForm] = useState(asked);
  const [wrong, setWrong] = useState({});
  const query = Object.fromEntries(Object.entries(asked).filter(([, value]) => value));
  const may = me.role !== 'viewer';
  const start = (event) => {
    event.preventDefault();
    setWrong(SUBJECT.some((name) => form[name].trim()) ? {} : { service: t('tail.needed') });
    setQuery({ ...Object.fromEntries(FILTERS.map((name) => [name, name === 'q' ? form[name] : form[name].trim()])), run: 1 }, { replace: false });
  };
  const set = (name) => (event) => setForm({ ...form, [name]: event.target.value });
  return html`<${Page} title=${t('nav.tail')} sub=${t('tail.sub')} wide actions=${html`<${CurlButton} call=${() => api.tail(query)} />`}>
    ${!may && html`<${Notice} title=${t('tail.forbidden')}><p>${t('tail.forbidden_text')}</p><//>`}
    <form class="card tail-form" onSubmit=${start}>
      ${FILTERS.map((name) => html`<${Field} key=${name} label=${t(`tail.${name}`)} errors=${wrong[name] ? [wrong[name]] : []}>${(props) => html`<input ...${props} class="mono" spellcheck=${false} autocomplete="off" value=${form[name]}
        list=${LISTED[name]} placeholder=${EXAMPLES[name]} onInput=${set(name)} data-search=${name === 'service' ? true : undefined} />`}<//>`)}
      <button class="button primary" disabled=${!may}>${t('tail.start')}</button><${Known} me=${me} /></form>
    ${running && may ? html`<${Stream} key=${JSON.stringify(query)} query=${query} onWrong=${setWrong} />`
      : html`<${Empty} title=${t('tail.empty')}><p>${t('tail.empty_text')}</p><//>`}<//>`;
}

const LISTED = { service: 'known-services', host: 'known-hosts' };
const EXAMPLES = { service: 'checkout', host: 'web01', path: '/var/log/*.log', q: 'timeout', re: 'status=5\\d\\d' };

/// Names to choose from while typing.
function Known({ me }) {
  const has = (feature) => me.features.includes(feature);
  const services = useLoad(has('services') ? api.services({ limit: 500 }) : null).data?.items ?? [];
  const hosts = useLoad(has('hosts') ? api.hosts({ limit: 500 }) : null).data?.items ?? [];
  return html`<datalist id="known-services">${services.map(({ name }) => html`<option value=${name} />`)}</datalist>
    <datalist id="known-hosts">${hosts.map(({ host }) => html`<option value=${host} />`)}</datalist>`;
}

function useFollower(query) {
  const [, redraw] = useReducer((n) => n + 1, 0);
  const follower = useMemo(() => new Follower({ ...query }, redraw), []);
  useEffect(() => follower.start(), []);
  return follower;
}

function Stream({ query, onWrong }) {
  const follower = useFollower(query);
  const [wrap, setWrap] = useState(true);
  const [opened, setOpened] = useState(null);
  const box = useRef(null);
  const { ring, paused, state, status, problem, error } = follower;
  const pause = (on) => (on ? follower.pause() : follower.resume());
  useLayoutEffect(() => {
    if (!paused) box.current.scrollTop = box.current.scrollHeight;
  });
  useEffect(() => {
    const pressed = (event) => {
      if (event.key !== ' ' || event.target.closest?.('input, textarea, select, button, a, dialog')) return;
      event.preventDefault();
      pause(!follower.paused);
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, []);
  useEffect(() => {
    if (error?.errors.length) onWrong(Object.fromEntries(error.errors.map((item) => [item.pointer?.slice(1), item.detail ?? item.code])));
  }, [error]);
  // Who scrolls up wants to read: nothing moves below the eyes.
  const reads = () => !follower.paused && box.current.scrollHeight > box.current.clientHeight && pause(true);
  const up = {
    onWheel: (event) => event.deltaY < 0 && reads(),
    onTouchMove: reads,
    onKeyDown: (event) => ['ArrowUp', 'PageUp', 'Home'].includes(event.key) && reads(),
    onPointerDown: (event) => event.target === box.current && event.offsetX > box.current.clientWidth && reads(), // the scroll bar
  };
  return html`<section class="card tail">
    <div class="tail-bar">
      <${Button} kind="small tail-pause" onClick=${() => pause(!paused)} aria-pressed=${paused ? 'true' : 'false'}>${paused ? t('tail.resume') : t('tail.pause')}<kbd aria-hidden="true">${t('key.space')}</kbd><//>
      <${Flow} follower=${follower} />
      <label class="inline"><input type="checkbox" checked=${wrap} onChange=${(event) => setWrap(event.target.checked)} /> ${t('tail.wrap')}</label>
      <${Button} kind="quiet small" icon="copy" onClick=${() => copyText(ring.rows.map(shown).join('\n'))}>${t('copy')}<//>
      <${Button} kind="quiet small" icon="download" onClick=${() => download(ring.rows)}>${t('tail.download')}<//>
      <${Button} kind="quiet small" onClick=${() => follower.clear()}>${t('tail.clear')}<//></div>
    ${error && !error.errors.length && state === 'refused' && html`<${Problem} error=${error} retry=${() => follower.again()} />`}
    ${(problem || state === 'ended') && html`<${Notice} kind="warn" title=${problem ? html`<${Text} v=${problem.detail ?? problem.code} />` : t('tail.state.ended')} actions=${state === 'ended' && html`<${Button} kind="quiet" onClick=${() => follower.again()}>${t('tail.again')}<//>`} />`}
    ${status.complete === false && html`<${Notice} kind="warn" title=${t('tail.incomplete')}><p>${t('tail.incomplete_text')}</p><//>`}
    ${status.unattributed > 0 && html`<${Notice} title=${tn('tail.unattributed', status.unattributed)}><p>${t('tail.unattributed_text')}</p><//>`}
    <div ref=${box} class=${`tail-lines ${wrap ? '' : 'nowrap'}`} role="log" aria-live="off" tabindex="0" aria-label=${t('nav.tail')} ...${up}>
      ${ring.blocks.map((block) => html`<${Block} key=${block.id} block=${block} q=${query.q} onOpen=${setOpened} />`)}
      ${!ring.length && html`<p class="muted pad">${state === 'open' ? t('tail.waiting') : state === 'opening' ? t('tail.opening') : t('tail.no_lines')}</p>`}</div>
    <p class="tail-foot muted"><span>${tn('tail.kept', ring.length)}</span>${status.partitions != null && html`<span>${tn('tail.partitions', status.partitions)}</span>`}${status.topics > 0 && html`<span>${tn('tail.topics', status.topics)}</span>`}
      <span class="push">${t('tail.order')}</span></p>
    ${opened && html`<${Detail} row=${opened} onClose=${() => setOpened(null)} />`}</section>`;
}

/// How the stream flows: what comes, what of it is shown, and from where.
function Flow({ follower: { state, paused, held, status } }) {
  const kind = state === 'open' ? (paused ? 'warn' : 'ok') : state === 'opening' ? 'busy' : state === 'lost' ? 'warn' : 'bad';
  const word = state !== 'open' ? t(`tail.state.${state}`) : paused ? tn('tail.paused', held.length) : t('tail.following');
  const sampled = status.ratio != null && status.ratio < 1;
  return html`<span class="tail-status"><span role="status"><${State} kind=${kind}>${word}<//></span>
    <span class="num muted" title=${t('tail.rate_title')}>${perSecond(status.rate)}</span>
    ${sampled && html`<${State} kind="warn" title=${t('tail.sampled_title', { n: number(status.dropped) })}>${t('tail.sampled', { share: percent(status.ratio, 1) })}<//>`}
    ${status.dropped > 0 && html`<span class="muted num">${tn('tail.dropped', status.dropped)}</span>`}
    ${status.source === 'agent' && html`<${State} kind="off" title=${t('tail.from_agent_title')}>${t('tail.from_agent')}<//>`}</span>`;
}

// A block never changes: what is made of it once stays. One out of sight is not laid out at all; until it
// was seen its height is a guess.
const Block = ({ block, q, onOpen }) => useMemo(() => html`<div class="log-block" style=${{ containIntrinsicHeight: `auto ${block.rows.length * 20}px` }}>${block.rows.map((row) => (row.gap
  ? html`<p class="log-gap muted">${t('tail.gap')}</p>` : html`<${Line} key=${row.id} row=${row} q=${q} onOpen=${onOpen} />`))}</div>`, [block, q]);

function Line({ row, q, onOpen }) {
  return html`<div class=${`log-line ${levelOfLine(row.text)}`}><button type="button" tabindex="-1" class="at" onClick=${() => onOpen(row)} title=${t('tail.open')}>${clock(row.at)}</button><span class="muted from"><${Text} v=${row.host} /></span>
    <span class="said">${hits(row.text, q).map((part) => (part.hit ? html`<mark><${Text} v=${part.text} /></mark>` : html`<${Text} v=${part.text} />`))}${row.cut && html` <span class="mark cut" title=${t('tail.cut_text')}>${t('tail.cut', { size: bytes(row.size) })}</span>`}</span></div>`;
}

/// One line with all that is known about it.
function Detail({ row, onClose }) {
  const facts = [['service', row.service], ['host', row.host], ['path', row.path], ['topic', row.topic], ['tail.place', row.partition == null ? null : `${row.partition} : ${row.offset}`],
    ['tail.bytes', row.start == null ? null : `${row.start} – ${row.end}`], ['when', row.at]];
  return html`<${Dialog} wide title=${t('tail.line')} onClose=${onClose}>
    <dl class="facts">${facts.filter(([, value]) => value != null && value !== '').map(([name, value]) => html`<div><dt>${t(name)}</dt><dd><${Mono} v=${value} /><${Copy} text=${String(value)} /></dd></div>`)}</dl>
    <div class="command"><pre tabindex="0">${slices(row.text).map((slice) => html`<span class="slice"><${Text} v=${slice} lines most=${200} /></span>`)}</pre><${Copy} text=${row.text} /></div>
    ${row.cut && html`<p class="muted">${t('tail.cut', { size: bytes(row.size) })} ${t('tail.cut_text')}</p>`}<//>`;
}

// A browser lays out one long word slowly, and many short ones at once.
const SLICE = 1 << 11;
const slices = (text) => Array.from({ length: Math.ceil(text.length / SLICE) }, (_, i) => text.slice(i * SLICE, (i + 1) * SLICE));

const shown = (row) => (row.gap ? `--- ${t('tail.gap')} ---` : row.text);

function download(rows) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(rows.filter((row) => !row.gap).map((row) => `${JSON.stringify(row)}\n`), { type: 'application/x-ndjson' }));
  link.download = 'lines.ndjson';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
