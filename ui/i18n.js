// The language of the pages: flat dictionaries, `{name}` stands for a value. What a value contains is
// never read as a text of ours.
import en from './lang/en.js';
import zh from './lang/zh-CN.js';
import { load, save } from './stored.js';

export const LANGUAGES = { en: 'English', 'zh-CN': '中文' };
const dictionaries = { en, 'zh-CN': zh };

function first() {
  const chosen = load('language');
  if (dictionaries[chosen]) return chosen;
  const wanted = globalThis.navigator?.languages ?? [];
  return wanted.some((name) => /^zh\b/i.test(name) && !wanted[0]?.startsWith('en')) ? 'zh-CN' : 'en';
}

export let language = first();
const listeners = new Set();

export function setLanguage(next) {
  language = next;
  save('language', next);
  document.documentElement.lang = next;
  for (const listener of listeners) listener();
}

export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));

/// The text for `key`. A missing key shows itself, which the tests do not allow.
export function t(key, values = {}) {
  return fill(dictionaries[language][key] ?? en[key] ?? key, values);
}

/// The text for a code that the server names, or the code itself if this version does not know it.
export function tcode(prefix, code) {
  const key = `${prefix}.${code}`;
  return dictionaries[language][key] ?? en[key] ?? String(code ?? '');
}

/// The text for a number of things: `key.one` or `key.other`, `{n}` is the number.
export function tn(key, n, values = {}) {
  const form = new Intl.PluralRules(language).select(n) === 'one' ? 'one' : 'other';
  return t(`${key}.${form}`, { n: new Intl.NumberFormat(language).format(n), ...values });
}
