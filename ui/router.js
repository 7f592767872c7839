// Every view is a URL: paths below the prefix from which the pages were loaded, filters in the query.
import { useEffect, useState } from './dom.js';

/// The prefix of every URL of ours, "/" unless a proxy puts the pages below another one.
export const base = new URL('../../', import.meta.url).pathname;

const listeners = new Set();
let guard = null;

export function here() {
  const path = decodePath(location.pathname.slice(base.length - 1)) ?? '/';
  return { path, segments: path.split('/').filter(Boolean).map((part) => decode(part)), query: new URLSearchParams(location.search) };
}

// A path is matched segment by segment, so its segments stay encoded until they are split.
const decodePath = (path) => path || '/';

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/// The URL of a view: `href(['services', name], {tab: 'json'})`. Empty values are left out.
export function href(segments, query = {}) {
  const entries = Object.entries(query).filter(([, value]) => value != null && value !== '' && value !== false);
  const text = new URLSearchParams(entries.map(([key, value]) => [key, String(value)])).toString();
  return base + segments.map(encodeURIComponent).join('/') + (text ? `?${text}` : '');
}

/// While set, leaving the page asks `next()` first; it answers whether to go.
export function guardLeaving(next) {
  guard = next;
  return () => {
    if (guard === next) guard = null;
  };
}

export function go(url, { replace = false } = {}) {
  const target = new URL(url, location.href);
  const moves = target.pathname !== location.pathname;
  if (moves && guard && !guard(target)) return;
  if (replace) history.replaceState(null, '', target);
  else history.pushState(null, '', target);
  if (moves) scrollTo(0, 0);
  for (const listener of listeners) listener();
}

/// Changes some query parameters of this view; others stay.
export function setQuery(values, { replace = true } = {}) {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(values)) {
    if (value == null || value === '' || value === false) query.delete(key);
    else query.set(key, String(value));
  }
  const text = query.toString();
  go(location.pathname + (text ? `?${text}` : ''), { replace });
}

export function useRoute() {
  const [route, setRoute] = useState(here);
  useEffect(() => {
    const changed = () => setRoute(here());
    listeners.add(changed);
    addEventListener('popstate', changed);
    return () => {
      listeners.delete(changed);
      removeEventListener('popstate', changed);
    };
  }, []);
  return route;
}

/// Turns clicks on links of ours into a change of view; everything else is the browser's.
export function followLinks() {
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest?.('a[href]');
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (!link.pathname.startsWith(base) || link.dataset.plain !== undefined) return;
    event.preventDefault();
    go(link.href);
  });
}
