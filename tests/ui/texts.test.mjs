// The texts of the pages, and words that their code may not use.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import en from '../../ui/lang/en.js';
import zh from '../../ui/lang/zh-CN.js';

const ui = fileURLToPath(new URL('../../ui', import.meta.url));
const sources = readdirSync(ui, { recursive: true })
  .filter((name) => name.endsWith('.js') && !name.startsWith('lang') && !name.includes('node_modules'))
  .map((name) => ({ name, text: readFileSync(join(ui, name), 'utf8') }));

/// What `pattern` finds in the sources: [{name, key}].
const found = (pattern) => sources.flatMap(({ name, text }) => [...text.matchAll(pattern)].map((match) => ({ name, key: match[1] })));

test('both languages have the same keys, each with a text', () => {
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
  for (const dictionary of [en, zh]) for (const [key, text] of Object.entries(dictionary)) assert.ok(text.trim(), key);
});

test('a text has the same values in both languages', () => {
  const values = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
  for (const key of Object.keys(en)) assert.deepEqual(values(zh[key]), values(en[key]), key);
});

test('every key that is used exists', () => {
  for (const { name, key } of found(/\bt\(\s*'([^']+)'/g)) assert.ok(key in en, `${name}: ${key}`);
  for (const { name, key } of found(/\btn\(\s*'([^']+)'/g)) {
    for (const form of ['one', 'other']) assert.ok(`${key}.${form}` in en, `${name}: ${key}.${form}`);
  }
  const either = found(/\bt\([^()'`]*\? ('[^']+' : '[^']+')\)/g).flatMap(({ name, key }) => key.split(' : ').map((one) => ({ name, key: one.slice(1, -1) })));
  assert.ok(either.length);
  for (const { name, key } of either) assert.ok(key in en, `${name}: ${key}`);
  const begins = [...found(/\bt\(`([^`$]+)\$/g), ...found(/\btcode\('([^']+)'/g).map(({ name, key }) => ({ name, key: `${key}.` }))];
  for (const { name, key } of begins) assert.ok(Object.keys(en).some((one) => one.startsWith(key)), `${name}: ${key}*`);
});

test('every text is used', () => {
  const all = sources.map(({ text }) => text).join('\n');
  const begins = [...found(/`([\w.]+\.)\$\{/g), ...found(/\btcode\('([^']+)'/g).map(({ key }) => ({ key: `${key}.` }))].map(({ key }) => key);
  const used = (key) => all.includes(`'${key}'`) || all.includes(`'${key.replace(/\.(one|other)$/, '')}'`) || begins.some((begin) => key.startsWith(begin));
  assert.deepEqual(Object.keys(en).filter((key) => !used(key)), []);
});

test('nothing is ever read as markup or code', () => {
  const forbidden = /innerHTML|outerHTML|insertAdjacentHTML|dangerouslySet|document\.write|\beval\(|new Function|srcdoc|\bstyle="/;
  for (const { name, text } of sources) assert.ok(!forbidden.test(text), `${name}: ${forbidden.exec(text)?.[0]}`);
});

test('URLs of the API are in one module', () => {
  for (const { name, text } of sources.filter((one) => one.name !== 'api.js')) assert.ok(!/\bfetch\(/.test(text), name);
});

test('the server answers a reload of every page', () => {
  const words = (text) => [...text.matchAll(/["']([\w-]+)["']/g)].map((match) => match[1]);
  const pages = readFileSync(join(ui, 'main.js'), 'utf8').match(/PLACES = \[\n(.*?)\n\];/s)[1].split('\n').map((line) => words(line)[0]);
  const served = words(readFileSync(join(ui, '../src/web/pages.cpp'), 'utf8').match(/places\[\] = \{(.*?)\}/s)[1]);
  assert.deepEqual([...pages, 'new-service'].sort(), served.sort());
});
