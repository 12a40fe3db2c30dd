import type { LimitWarning } from "./limit-warnings.ts";

/** A warning, and how many more fields it is true of. */
export interface MergedWarning extends LimitWarning {
  readonly others: number;
}

/** Merges warnings of one cause: an opening that is missing can concern each pattern of a preset. */
export function mergeWarnings(warnings: readonly LimitWarning[]): readonly MergedWarning[] {
  const merged = new Map<string, MergedWarning>();
  for (const warning of warnings) {
    // Patterns of two alternatives have one cause, and patterns of the whole capability another option.
    const key = JSON.stringify([/^\w+\.\w+/.exec(warning.field)?.[0] ?? warning.field, warning.message]);
    const first = merged.get(key);
    merged.set(key, first === undefined ? { ...warning, others: 0 } : { ...first, others: first.others + 1 });
  }
  return [...merged.values()];
}
