import type { Round } from "./round.ts";

/** Returns what the rounds of each fault had in them, one line each, and what they measured. */
export function reportRounds(rounds: readonly Round[]): string {
  const faults = [...new Set(rounds.map(({ fault }) => fault))];
  return faults
    .map((fault) =>
      reportFault(
        fault,
        rounds.filter((round) => round.fault === fault),
      ),
    )
    .join("");
}

function reportFault(fault: string, rounds: readonly Round[]): string {
  const operations = rounds.flatMap(({ history }) => history.operations);
  const count = (property: "kind" | "outcome", value: string): number =>
    operations.filter((operation) => operation[property] === value).length;
  const revokes = operations.filter(({ kind, outcome }) => kind === "revoke" && outcome === "done");
  const figures = new Map([["ms to revoke", revokes.map(({ began, ended }) => ended - began)]]);
  for (const { name, value } of rounds.flatMap((round) => round.figures)) {
    figures.set(name, [...(figures.get(name) ?? []), value]);
  }
  const lines = [
    `${fault}: ${rounds.length} rounds, ${operations.length} requests, ${count("outcome", "refused")} refused, ` +
      `${count("outcome", "unavailable")} unavailable, ${count("outcome", "unknown")} without a response`,
    ...[...figures].map(([name, values]) => `  ${name}: ${describe(values)}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function describe(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(0);
  return `median ${at(0.5)}, 95 % ${at(0.95)}, most ${at(1)}, of ${sorted.length}`;
}
