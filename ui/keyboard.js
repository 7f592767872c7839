// Keys: `/` searches, `g` and a letter goes, `j` and `k` move through rows, `?` shows them all.
import { go } from './router.js';

const typing = (target) => target.closest?.('input, textarea, select, [contenteditable]');

/// `places`: letter -> URL. `help()` opens the list of keys. Returns what ends it.
export function listen(places, help) {
  let pending = 0;
  const pressed = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target)) {
      if (event.key === 'Escape') event.target.blur();
      return;
    }
    if (document.querySelector('dialog[open]')) return;
    const went = pending > Date.now() ? places[event.key] : null;
    pending = 0;
    if (went) go(went);
    else if (event.key === 'g') pending = Date.now() + 1500;
    else if (event.key === '?') help();
    else if (event.key === '/') focusSearch();
    else if (event.key === 'j' || event.key === 'k') move(event.key === 'j' ? 1 : -1);
    else if (event.key === 'Enter' && event.target.matches?.('[data-row]')) event.target.querySelector('a[href]')?.click();
    else return;
    event.preventDefault();
  };
  document.addEventListener('keydown', pressed);
  return () => document.removeEventListener('keydown', pressed);
}

function focusSearch() {
  const field = document.querySelector('[data-search]');
  field?.focus();
  field?.select();
}

function move(step) {
  const rows = [...document.querySelectorAll('[data-row]')];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement.closest?.('[data-row]'));
  const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + step))];
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
}
