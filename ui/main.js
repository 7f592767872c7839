// The frame of all pages: who is signed in, which pages there are, theme, language, keys.
import { html, render, useEffect, useState } from './dom.js';
import { api, onSignedOut, send } from './api.js';
import { base, followLinks, href, useRoute } from './router.js';
import { LANGUAGES, language, onLanguage, setLanguage, t } from './i18n.js';
import { listen } from './keyboard.js';
import { enableEvents } from './live.js';
import { load, save } from './stored.js';
import { Button, Dialog, Empty, Icon, Page, Problem, Text } from './parts.js';
import { SignIn } from './pages/signin.js';
import { Services } from './pages/services.js';
import { Service } from './pages/service.js';
import { Plan } from './pages/plan.js';
import { Delete } from './pages/delete.js';
import { Result } from './pages/result.js';
import { Hosts } from './pages/hosts.js';
import { Overview } from './pages/overview.js';

// Pages that nobody sees first come when they are asked for.
const later = (read, name) => ({ later: () => read().then((module) => module[name]) });
const LATER = {
  history: later(() => import('./pages/history.js'), 'History'),
  rates: later(() => import('./pages/service_rates.js'), 'ServiceRates'),
  host: later(() => import('./pages/host.js'), 'Host'),
  rollouts: later(() => import('./pages/rollouts.js'), 'Rollouts'),
  tail: later(() => import('./pages/tail.js'), 'Tail'),
  replays: later(() => import('./pages/replays.js'), 'Replays'),
  transfer: later(() => import('./pages/transfer.js'), 'Transfer'),
  why: later(() => import('./pages/why.js'), 'Why'),
  drift: later(() => import('./pages/drift.js'), 'Drift'),
  audit: later(() => import('./pages/audit.js'), 'Audit'),
  access: later(() => import('./pages/access.js'), 'Access'),
  api: later(() => import('./pages/api.js'), 'Api'),
};

// name of the page in URLs, feature that brings it, key after `g`; a gap before the ones marked
const PLACES = [
  ['overview', 'overview', 'o'],
  ['services', 'services', 's'],
  ['rollouts', 'rollouts', 'r'],
  ['hosts', 'hosts', 'h'],
  ['tail', 'tail', 't', 'gap'],
  ['why', 'why', 'w'],
  ['replays', 'replays', 'e'],
  ['transfer', 'transfer', 'f'],
  ['drift', 'drift', 'd', 'gap'],
  ['audit', 'audit', 'a'],
  ['access', 'tokens', 'c'],
  ['api', 'openapi', 'p'],
];

const offered = (me) => PLACES.filter(([, feature]) => me.features.includes(feature));

function pageOf({ segments }, me) {
  const [place, name, view] = segments;
  const has = (feature) => me.features?.includes(feature);
  if (!place) return has('overview') ? Overview : Services;
  if (place === 'new-service') return view ? null : name === 'plan' ? Plan : Service;
  if (place === 'services' && !name) return Services;
  if (place === 'services') return { undefined: Service, plan: Plan, result: Result, history: LATER.history, rates: LATER.rates, delete: Delete }[view];
  if (place === 'hosts') return name ? LATER.host : Hosts;
  if (place === 'rollouts' || place === 'transfer') return view ? null : LATER[place];
  if (name) return null;
  return { overview: Overview, tail: LATER.tail, replays: LATER.replays, why: LATER.why, drift: LATER.drift, audit: LATER.audit, access: LATER.access, api: LATER.api }[place];
}

/// A page whose code is on its way.
function Later({ page, ...props }) {
  const [Content, setContent] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    page.later().then((made) => setContent(() => made), setError);
  }, [page]);
  if (error) return html`<${Page} title=""><${Problem} error=${{ status: 0, errors: [] }} retry=${() => location.reload()} /><//>`;
  return Content ? html`<${Content} ...${props} />` : html`<main id="main" class="page" aria-busy="true"></main>`;
}

function App() {
  const [me, setMe] = useState(null);
  const [error, setError] = useState(null);
  const [, redraw] = useState(0);
  const ask = async () => {
    setError(null);
    try {
      setMe((await send(api.whoami())).data);
    } catch (problem) {
      if (problem.status === 401) setMe(false);
      else setError(problem);
    }
  };
  useEffect(() => {
    onSignedOut(() => setMe(false));
    ask();
    return onLanguage(() => redraw((n) => n + 1));
  }, []);
  if (error) return html`<div class="alone"><${Problem} error=${error} retry=${ask} /></div>`;
  if (me === null) return html`<div class="alone" aria-busy="true"></div>`;
  if (me === false) return html`<${SignIn} onDone=${setMe} settings=${html`<${Settings} />`} />`;
  return html`<${Frame} me=${me} onSignOut=${() => setMe(false)} key=${language} />`;
}

function Frame({ me, onSignOut }) {
  const route = useRoute();
  const [help, setHelp] = useState(false);
  const [open, setOpen] = useState(false);
  const places = offered(me);
  useEffect(() => listen(
    Object.fromEntries(places.map(([place, , key]) => [key, href([place])])), () => setHelp(true)), [me]);
  useEffect(() => setOpen(false), [route.path]);
  useEffect(() => enableEvents(me.features.includes('events')), [me]);
  const content = pageOf(route, me) ?? NotFound;
  const props = { key: route.path, route, me };
  const at = route.segments[0] === 'new-service' ? 'services' : route.segments[0] ?? places[0][0];
  return html`<a class="skip" href="#main" data-plain>${t('nav.skip')}</a>
    <div class=${open ? 'frame open' : 'frame'}>
      <aside class="side">
        <div class="brand"><a href=${base}><img src=${new URL('./icon.svg', import.meta.url).href} alt="" width="24" height="24" />logagent</a>
          <${Button} kind="icon-only quiet menu" icon="menu" aria-label=${t('nav.menu')} aria-expanded=${open ? 'true' : 'false'} onClick=${() => setOpen(!open)} /></div>
        <nav class="places" aria-label=${t('nav.main')}>${places.map(([place, , , gap]) => html`
          <a href=${href([place])} class=${gap} aria-current=${at === place ? 'page' : undefined}><${Icon} name=${place} />${t(`nav.${place}`)}</a>`)}</nav>
        <div class="me">
          <p class="who" title=${t('nav.signed_in')}><span><${Text} v=${me.name} /></span><span class="muted">${t(`role.${me.role}`)}</span></p>
          <${Settings} onHelp=${() => setHelp(true)} />
          <${SignOut} onDone=${onSignOut} />
          ${me.version && html`<p class="small muted version"><${Text} v=${me.version} /></p>`}
        </div>
      </aside>
      ${content.later ? html`<${Later} page=${content} ...${props} />` : html`<${content} ...${props} />`}
    </div>
    ${help && html`<${Keys} places=${places} onClose=${() => setHelp(false)} />`}`;
}

function NotFound() {
  return html`<${Page} title=${t('not_found.title')}>
    <${Empty} title=${t('not_found.head')} action=${html`<a class="button" href=${base}>${t('not_found.home')}</a>`}>
      <p>${t('not_found.text')}</p><//><//>`;
}

const THEMES = ['', 'light', 'dark'];

function Settings({ onHelp }) {
  const [theme, setTheme] = useState(load('theme') ?? '');
  const next = () => {
    const chosen = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    if (chosen) document.documentElement.dataset.theme = chosen;
    else delete document.documentElement.dataset.theme;
    save('theme', chosen || null);
    setTheme(chosen);
  };
  return html`<div class="settings">
    <${Button} kind="quiet small" icon="theme" onClick=${next} title=${t('theme.title')}>${t(`theme.${theme || 'auto'}`)}<//>
    <select class="quiet small" aria-label=${t('language')} value=${language} onChange=${(event) => setLanguage(event.target.value)}>
      ${Object.entries(LANGUAGES).map(([id, name]) => html`<option value=${id} lang=${id}>${name}</option>`)}</select>
    ${onHelp && html`<${Button} kind="icon-only quiet small" icon="help" aria-label=${t('keys.title')} title=${t('keys.title')} onClick=${onHelp} />`}
  </div>`;
}

function SignOut({ onDone }) {
  const leave = async () => {
    try {
      await send(api.signOut());
    } finally {
      onDone();
    }
  };
  return html`<${Button} kind="quiet small" icon="out" onClick=${leave}>${t('sign_out')}<//>`;
}

function Keys({ places, onClose }) {
  const rows = [
    [['/'], t('keys.search')], ...places.map(([place, , key]) => [['g', key], t('keys.go', { place: t(`nav.${place}`) })]),
    [['j'], t('keys.down')], [['k'], t('keys.up')], [['Enter'], t('keys.open')], [['Ctrl', 'Enter'], t('keys.apply')],
    [['Space'], t('keys.pause')], [['Esc'], t('keys.leave')], [['?'], t('keys.help')],
  ];
  return html`<${Dialog} title=${t('keys.title')} onClose=${onClose}><dl class="keys">${rows.map(([keys, text]) => html`
    <div><dt>${keys.map((key) => html`<kbd>${key}</kbd>`)}</dt><dd>${text}</dd></div>`)}</dl><//>`;
}

followLinks();
document.documentElement.lang = language;
render(html`<${App} />`, document.getElementById('app'));
