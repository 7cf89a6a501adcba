/** JSON as the formatter of this repository wants it: objects spread over lines, lists on one line where they fit. */
export function jsonText(value: unknown): string {
  return `${print(value, '', 0)}\n`;
}

const lineWidth = 140;

function print(value: unknown, indent: string, column: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inside = `${indent}  `;
  if (Array.isArray(value)) {
    const flat = `[${value.map((item) => (isObject(item) ? '\n' : print(item, inside, 0))).join(', ')}]`;
    if (!flat.includes('\n') && column + flat.length < lineWidth) return flat;
    return `[\n${value.map((item) => inside + print(item, inside, inside.length)).join(',\n')}\n${indent}]`;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([key, item]) => `${inside}${JSON.stringify(key)}: ${print(item, inside, inside.length + key.length + 4)}`);
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

const isObject = (item: unknown): boolean =>
  typeof item === 'object' && item !== null && !Array.isArray(item) && Object.keys(item).length > 0;
