// The JSON of a draft. What does not parse stays in the field, with the place where it stopped; what
// parses is the draft.
import { html, useEffect, useRef, useState } from './dom.js';
import { t } from './i18n.js';
import { Copy, Text } from './parts.js';
import { placeOfError } from './service.js';

const pretty = (value) => JSON.stringify(value, null, 2);

/// `fine` is said of what parses; `rows` = the least height.
export function JsonEditor({ value, onChange, onError, readOnly, fine = t('json.fine'), rows = 18 }) {
  const [text, setText] = useState(() => pretty(value));
  const [error, setError] = useState(null);
  const gutter = useRef(null);
  const told = useRef(value);
  useEffect(() => {
    if (value !== told.current) setText(pretty(value));
  }, [value]);
  useEffect(() => () => onError(null), []);
  const typed = (event) => {
    const next = event.target.value;
    setText(next);
    const problem = problemOf(next);
    setError(problem);
    onError(problem);
    if (problem) return;
    told.current = JSON.parse(next);
    onChange(told.current);
  };
  const indent = (event) => {
    if (event.key !== 'Tab' || event.shiftKey || event.ctrlKey) return;
    event.preventDefault();
    const { selectionStart: at, selectionEnd: end } = event.target;
    event.target.setRangeText('  ', at, end, 'end');
    typed(event);
  };
  const lines = text.split('\n').length;
  return html`<div class="card json">
    <div class="json-box">
      <pre ref=${gutter} class="gutter" aria-hidden="true">${Array.from({ length: lines }, (_, i) => html`<span class=${error?.place?.line === i + 1 ? 'wrong' : ''}>${i + 1}\n</span>`)}</pre>
      <textarea class="mono" aria-label=${t('tab.json')} aria-invalid=${error ? 'true' : undefined} spellcheck=${false} wrap="off" rows=${Math.min(36, Math.max(rows, lines + 1))} readOnly=${readOnly} value=${text}
        onInput=${typed} onKeyDown=${indent} onScroll=${(event) => { gutter.current.scrollTop = event.target.scrollTop; }} /></div>
    <p class=${`below ${error ? 'error' : 'muted'}`} role="status">${error
      ? html`${error.place ? t('json.at', error.place) : t('json.wrong')} <${Text} v=${error.message} />`
      : fine} <${Copy} text=${text} /></p></div>`;
}

function problemOf(text) {
  try {
    const value = JSON.parse(text);
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return { message: t('json.object') };
    if (value.files !== undefined && !Array.isArray(value.files)) return { message: t('json.files') };
    if (value.hosts !== undefined && (typeof value.hosts !== 'object' || value.hosts === null)) return { message: t('json.hosts') };
    return null;
  } catch (error) {
    return { message: error.message, place: placeOfError(text, error.message) };
  }
}
