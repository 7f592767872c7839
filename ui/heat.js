// Where the cells of the heat map lie. Nothing here draws.

/// Cells for `n` hosts in `width` pixels: large for a few, small enough that 10,000 still fit.
export function layout(n, width) {
  const cell = n <= 60 ? 26 : n <= 400 ? 18 : n <= 2000 ? 12 : 8;
  const step = cell + (cell > 10 ? 3 : 2);
  const columns = Math.max(1, Math.floor((width + step - cell) / step));
  const rows = Math.ceil(n / columns);
  return {
    cell, columns, rows, width, height: Math.max(cell, rows * step - (step - cell)),
    placeOf: (index) => ({ x: (index % columns) * step, y: Math.floor(index / columns) * step }),
    indexAt(x, y) {
      const column = Math.floor(x / step);
      const index = Math.floor(y / step) * columns + column;
      return x < 0 || y < 0 || column >= columns || index >= n ? null : index;
    },
  };
}

/// 0 to 4: how far behind `bytes` are. What is not known counts as nothing behind.
export function levelOf(bytes) {
  if (!(bytes > 0)) return 0;
  if (bytes < 1 << 20) return 1;
  if (bytes < 32 << 20) return 2;
  return bytes < 1 << 30 ? 3 : 4;
}
