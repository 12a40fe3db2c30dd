/** @typedef {import("../measure/compare.js").Compared} Compared */
/** @typedef {{ what: string, goal: string, measured: string, met: boolean }} GoalResult */

const MIB = 1024 * 1024;

/**
 * Checks the project's goals by the measured numbers. A goal whose row was not measured is left out.
 *
 * @param {import("../results.js").Results} results
 * @returns {GoalResult[]}
 */
export function checkGoals({ compared, scale, transfers, rivals }) {
  /** @param {string} name */
  const row = (name) => compared.find((candidate) => candidate.name === name);
  /**
   * @param {string} what
   * @param {string} name of the row
   * @param {number} most
   * @param {(row: Compared) => number} [of]
   */
  const atMost = (what, name, most, of = ({ cpuRatio }) => cpuRatio.median) => {
    const found = row(name);
    if (found === undefined) return [];
    const value = of(found);
    return [{ what, goal: `≤ ${most}`, measured: value.toFixed(2), met: value <= most }];
  };
  const plain = row("plain");
  const rival = (/** @type {string} */ name) => {
    const found = row(name);
    if (plain === undefined || found === undefined) return [];
    // Compared through the floor, with which each was measured, since the machine's speed changes within minutes.
    const value = plain.throughputRatio.median / found.throughputRatio.median;
    const what = `plain, throughput of ${name}`;
    return [{ what, goal: "≥ 2.2 ×", measured: `${value.toFixed(2)} ×`, met: value >= 2.2 }];
  };
  return [
    ...atMost("plain, CPU of the floor", "plain", 1.1),
    ...rivals.filter((name) => name !== "nginx").flatMap(rival),
    ...atMost("signed (aws4), CPU of the floor", "signed (aws4)", 1.35),
    ...atMost("path + 8 limits, CPU of plain", "path + 8 limits", 1.1),
    ...atMost("64 delegations deep, warm, CPU of depth 1", "64 deep", 1.05),
    ...compared
      .filter(({ name }) => name.endsWith("stored, hot set"))
      .flatMap(({ name }) => atMost(`${name}, CPU of 1,000 stored`, name, 1.1)),
    ...atMost("two workers, CPU a request of one", "two workers", 1.1),
    ...checkScaleGoals(scale),
    ...transfers.flatMap(({ name, ratio, grownBytes }) => [
      {
        what: `${name}, throughput of the floor`,
        goal: "≥ 0.9",
        measured: ratio.toFixed(2),
        met: ratio >= 0.9,
      },
      {
        what: `${name}, anonymous memory grows`,
        goal: "< 32 MiB",
        measured: `${(grownBytes / MIB).toFixed(1)} MiB`,
        met: grownBytes < 32 * MIB,
      },
    ]),
  ];
}

/** @param {import("../results.js").Results["scale"]} scale */
function checkScaleGoals({ count, startMs, anonymousBytes, revokeOneMs, revokeAllMs, ...scale }) {
  const queries = scale.queryMs / scale.queryFewMs;
  const revokes = revokeAllMs / revokeOneMs;
  const latencies = scale.p99SweepingMs / scale.p99BeforeMs;
  return [
    {
      what: `ready with ${count} stored`,
      goal: "< 1000 ms",
      measured: `${startMs.toFixed(0)} ms`,
      met: startMs < 1_000,
    },
    {
      what: `anonymous memory with ${count} stored, after uniform access`,
      goal: "< 250 MB",
      measured: `${(anonymousBytes / 1e6).toFixed(0)} MB`,
      met: anonymousBytes < 250e6,
    },
    {
      what: `query of all membranes with ${count} stored, time with 1,000`,
      goal: "≤ 1.5 ×",
      measured: `${queries.toFixed(2)} × (${scale.queryMs.toFixed(1)} ms)`,
      met: queries <= 1.5,
    },
    {
      what: `revoke with ${count} descendants, time of a revoke with one`,
      goal: "≤ 2 ×",
      measured: `${revokes.toFixed(2)} × (${revokeAllMs.toFixed(1)} ms)`,
      met: revokes <= 2,
    },
    {
      what: "p99 of others while the sweep runs, of before",
      goal: "≤ 2 ×",
      measured: `${latencies.toFixed(2)} × (${scale.p99SweepingMs} ms)`,
      met: latencies <= 2,
    },
  ];
}
