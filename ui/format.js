// Numbers with units, and times, in the language of the pages. A value that is not known is a dash.
import { language, t } from './i18n.js';

export const DASH = '–';
const known = (value) => typeof value === 'number' && Number.isFinite(value);

export function number(value, digits = 0) {
  return known(value) ? new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value) : DASH;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function bytes(value) {
  if (!known(value)) return DASH;
  let unit = 0;
  let size = value;
  while (Math.abs(size) >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || Math.abs(size) >= 100 ? 0 : 1;
  return `${new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(size)} ${UNITS[unit]}`;
}

export const bytesPerSecond = (value) => (known(value) ? `${bytes(value)}/s` : DASH);

export function lines(value) {
  return known(value) ? t('unit.lines_per_s', { n: number(value, value < 10 ? 1 : 0) }) : DASH;
}

/// Records a second.
export function perSecond(value) {
  return known(value) ? t('unit.records_per_s', { n: number(value, value < 10 ? 1 : 0) }) : DASH;
}

/// A rate limit; 0 and nothing mean that there is none.
export const limit = (value) => (value ? lines(value) : t('unit.unlimited'));

export function percent(part, whole) {
  if (!known(part) || !whole) return DASH;
  // 99.96 % must not read as everything.
  const share = Math.floor((part / whole) * 1000) / 10;
  return `${number(share, share < 100 && share > 99 ? 1 : 0)} %`;
}

const STEPS = [['second', 60], ['minute', 60], ['hour', 24], ['day', 30], ['month', 12], ['year', Infinity]];

function stepped(seconds) {
  let value = Math.abs(seconds);
  for (const [unit, size] of STEPS) {
    if (value < size || size === Infinity) return [Math.floor(value), unit];
    value /= size;
  }
  return [0, 'second'];
}

export function duration(seconds) {
  if (!known(seconds)) return DASH;
  const [value, unit] = stepped(seconds);
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short' }).format(value);
}

export function ago(time, now = Date.now()) {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return DASH;
  const seconds = (at - now) / 1000;
  if (Math.abs(seconds) < 5) return t('time.now');
  const [value, unit] = stepped(seconds);
  return new Intl.RelativeTimeFormat(language, { numeric: 'always', style: 'short' })
    .format(seconds < 0 ? -value : value, unit);
}

export function absolute(time) {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return DASH;
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'long' }).format(at);
}

/// The time of the day, in this browser's zone, with milliseconds.
export function clock(time) {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return DASH;
  const two = (value) => String(value).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/// What is left until `time`, as minutes and seconds; zero when it has passed.
export function countdown(time, now = Date.now()) {
  const left = Math.max(0, Math.ceil((Date.parse(time) - now) / 1000));
  return Number.isNaN(left) ? DASH : `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
}
