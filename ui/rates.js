// The scale of a slider for limits. Pure.

/// A slider has 120 steps, from 1 to a million on a scale of powers; 0 = no limit.
export const STEPS = 120;
const TOP = 6;

export const positionOf = (limit) => (limit > 0 ? Math.min(STEPS, Math.max(1, Math.round((Math.log10(limit) / TOP) * STEPS))) : 0);

export function limitAt(position) {
  if (position <= 0) return 0;
  const value = 10 ** ((position / STEPS) * TOP);
  const step = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1); // two digits that count
  return Math.round(value / step) * step;
}
