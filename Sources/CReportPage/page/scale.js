// From values to places in a drawing.

/** The ticks of a step that is 1, 2 or 5 times a power of ten. */
function roundTicks(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999);
  const ticks = [];
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + step * 1e-6; tick += step)
    ticks.push(Number(tick.toPrecision(9)));
  return ticks;
}

function linearScale(low, high, start, end, count = 5, label = format.short) {
  const place = (value) => start + ((value - low) / (high - low || 1)) * (end - start);
  return { place, ticks: roundTicks(low, high, count).map((value) => ({ value, label: label(value) })) };
}

/** An axis by powers of two where the values span more than a factor of six. */
function positiveScale(values, start, end, label) {
  const low = Math.max(1, Math.min(...values));
  const high = Math.max(low, ...values);
  if (high <= 6 * low) {
    const margin = Math.max(high - low, 1) * 0.06;
    return linearScale(low - margin, high + margin, start, end, 4, label);
  }
  const octaves = Math.log2(high / low);
  const margin = octaves * 0.04;
  const [first, last] = [Math.log2(low) - margin, Math.log2(high) + margin];
  const stride = Math.max(1, Math.ceil(octaves / Math.max(2, Math.floor((end - start) / 56))));
  const ticks = [];
  for (let power = Math.ceil(first); power <= last; power += stride)
    ticks.push({ value: 2 ** power, label: label(2 ** power) });
  const place = (value) => start + ((Math.log2(Math.max(value, 1e-9)) - first) / (last - first)) * (end - start);
  return { place, ticks };
}

/** An axis by powers of ten, for values below 1. */
function decadeScale(values, start, end) {
  const numbers = values.map(Math.log10);
  const margin = Math.max(0.1, (Math.max(...numbers) - Math.min(...numbers)) * 0.05);
  const [low, high] = [Math.min(...numbers) - margin, Math.max(...numbers) + margin];
  const factors = high - low > 2.2 ? [1] : [1, 3];
  const ticks = [];
  for (let power = Math.floor(low); power <= high; power++)
    for (const factor of factors) {
      const value = factor * 10 ** power;
      if (Math.log10(value) >= low && Math.log10(value) <= high)
        ticks.push({ value, label: value < 0.01 ? `${factor}e${power}` : String(Number(value.toPrecision(1))) });
    }
  return { place: (value) => start + ((Math.log10(value) - low) / (high - low)) * (end - start), ticks };
}

/** An axis for a score: from a round number below all values to 1, or beyond where values are. */
function scoreScale(values, start, end) {
  const numbers = values.filter(isNumber);
  const least = Math.min(1, ...numbers);
  const tenths = Math.min(9, Math.max(0, Math.floor((least - 0.04) * 10)));
  const low = tenths < 3 ? 0 : tenths / 10;
  const high = Math.max(1, ...numbers);
  return linearScale(low, high + 0.03 * (high - low), start, end, 6);
}

const countLabel = (value) => (value >= 10000 ? `${format.short(value / 1000)}k` : format.short(value));
