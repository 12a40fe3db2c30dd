import type { ServiceKeys } from "../../store/keys.ts";

/**
 * What the operator should know of a service key file whose keys let a rotation be undone, or of a store that is older than it; safe
 * to log.
 */
export function describeKeyFile(
  file: string,
  { unretiredLines, hasNewerLine }: Pick<ServiceKeys, "unretiredLines" | "hasNewerLine">,
): readonly string[] {
  return [
    ...(unretiredLines.length === 0 ? [] : [describeUnretired(file, unretiredLines)]),
    ...(hasNewerLine
      ? [
          `the last line of ${file} has a newer key than the store uses: "membrane key rotate" takes it; if that was done, the store is older than the rotation, and what was revoked since works again in it`,
        ]
      : []),
  ];
}

function describeUnretired(file: string, lines: readonly number[]): string {
  return `${nameLines(lines)} of ${file} ${lines.length === 1 ? "has an older key that is" : "have older keys that are"} not marked as retired: if it was stolen, it undoes a rotation for anyone who can write to the store. "membrane key retire" marks it, or says how; with PostgreSQL, on each node`;
}

/** How the operator marks older keys where this user may not write. */
export function explainMarking(file: string, lines: readonly number[]): string {
  const [first = 1, last = first] = [lines[0], lines.at(-1)];
  const range = first === last ? `${first}` : `${first},${last}`;
  return `put "retired " before the key in ${nameLines(lines)} of ${file}, as with: sed -i '${range}s/^[0-9a-f]/retired &/' ${file}`;
}

export function nameLines(lines: readonly number[]): string {
  return `${lines.length === 1 ? "line" : "lines"} ${lines.join(", ")}`;
}
