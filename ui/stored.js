// The few choices that a browser keeps. Storage can be forbidden or full: then they last as long as the page.
const memory = new Map();

function storeOf(kind) {
  try {
    return kind === 'session' ? sessionStorage : localStorage;
  } catch {
    return null;
  }
}

export function load(key, kind = 'local') {
  const name = `logagent.${key}`;
  if (memory.has(name)) return memory.get(name);
  let text = null;
  try {
    text = storeOf(kind)?.getItem(name) ?? null;
    return text == null ? null : JSON.parse(text);
  } catch {
    return text; // theme and language are kept as bare words, for theme.js
  }
}

export function save(key, value, kind = 'local') {
  const name = `logagent.${key}`;
  memory.set(name, value);
  try {
    if (value == null) storeOf(kind)?.removeItem(name);
    else storeOf(kind)?.setItem(name, typeof value === 'string' ? value : JSON.stringify(value));
  } catch { /* kept in memory */ }
}
