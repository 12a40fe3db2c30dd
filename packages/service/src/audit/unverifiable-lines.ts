import type { ParsedLine } from "./chain.ts";
import type { Place, TrailProblem } from "./verify.ts";

/** Lines whose service key is not there: one problem for each version of it, since all lines before a rotation have the same one. */
export interface UnverifiableLines {
  add(line: Pick<ParsedLine, "keyVersion">, place: Place): void;
  problems(): readonly TrailProblem[];
}

/** Versions that there never was are one problem together: anyone who can write to the file can name any number of them. */
const NEVER = 0;

/** @param current the version of the key in use: those before it that are missing were dropped. */
export function createUnverifiableLines(current: number): UnverifiableLines {
  const found = new Map<number, { readonly place: Place; readonly keyVersion: number; count: number }>();
  return {
    add({ keyVersion }, place) {
      const kind = keyVersion < current ? keyVersion : NEVER;
      const lines = found.get(kind) ?? { place, keyVersion, count: 0 };
      lines.count += 1;
      found.set(kind, lines);
    },
    problems: () =>
      Array.from(found, ([kind, { place, keyVersion, count }]) => {
        const lines = count === 1 ? "the only line" : `the first of ${count} lines`;
        return {
          place,
          what:
            kind === NEVER
              ? `is ${lines} with a version of the service key that there never was (here ${keyVersion})`
              : `is ${lines} with version ${keyVersion} of the service key, which was dropped, and without it none can be verified`,
        };
      }),
  };
}
