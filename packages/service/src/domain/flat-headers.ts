import type { TargetConfiguration } from "capability-protocol";

/** Lists headers as they are sent: name, value, name, value, … In a loop: `flat()` takes twenty times as long. */
export function flatHeaders(headers: TargetConfiguration["headers"]): string[] {
  const lines: string[] = [];
  for (const [name, value] of headers) lines.push(name, value);
  return lines;
}
