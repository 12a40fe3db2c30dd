/** @typedef {{name: string, cpuMicroseconds: number, perSecond: number}} Row */
/** @typedef {{name: string, perSecond: number, grownBytes: number}} Transfer */
/** @typedef {{startMs: number, anonymousBytes: number, revokeOneMs: number, revokeAllMs: number}} Scale */
/** @typedef {{node: string, cpu: string, compared: Row[], transfers: Transfer[], scale: Scale}} Results */

const INVOCATIONS = [
  ["plain", "an invocation: no signature, response of 1 KiB"],
  ["plain, every head new", "the same, where no head repeats"],
  ["signed (aws4)", "an invocation that is signed with AWS Signature Version 4"],
  ["signed (aws4), every head new", "the same, where no head repeats"],
  ["TLS", "the same as the first, with TLS to the client"],
  ["TLS, every head new", "the same, where no head repeats"],
  ["1 KiB up", "a request body of 1 KiB"],
  ["1 MiB down", "a response body of 1 MiB"],
  ["cold", "an invocation whose record is not in memory"],
  ["64 deep, cold", "the same, delegated 63 times"],
];

/**
 * Formats the tables of the sizing page from the last recorded run of the bench.
 *
 * @param {Results} results
 */
export function sizingTables({ node, cpu, compared, transfers, scale }) {
  const rows = INVOCATIONS.flatMap(([name, meaning]) => {
    const row = compared.find((candidate) => candidate.name === name);
    if (row === undefined) return [];
    const cost = Math.round(row.cpuMicroseconds);
    const perCore = Math.round(1e6 / row.cpuMicroseconds / 100) * 100;
    return [`| ${meaning} | ${cost} µs | ${perCore.toLocaleString("en")} | \`npm run bench -- "${name}"\` |`];
  });
  const streams = transfers.map(({ name, perSecond, grownBytes }) => {
    const speed = Math.round(perSecond / 1e6);
    return `| ${name}, one request | ${speed} MB/s, memory grows by ${(grownBytes / 1e6).toFixed(1)} MB |`;
  });
  return [
    `Recorded with Node.js ${node} on ${cpu}, two cores that the load and the target share.`,
    "",
    "| what | processor time | a second on one core | measured by |",
    "|---|---|---|---|",
    ...rows,
    "",
    "| what, by `npm run bench` | measured |",
    "|---|---|",
    ...streams,
    `| start with 1,000,000 capabilities stored | ${Math.round(scale.startMs)} ms |`,
    `| memory of the process after uniform access to them | ${Math.round(scale.anonymousBytes / 1e6)} MB |`,
    `| revoke of a membrane with one capability | ${scale.revokeOneMs.toFixed(1)} ms |`,
    `| revoke of a membrane with all of them | ${scale.revokeAllMs.toFixed(1)} ms |`,
  ].join("\n");
}
