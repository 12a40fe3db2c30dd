// `npm run bench:guard`: compares a short run of a few rows with the ratios of the last whole run. It reports and never fails, since
// a shared machine is too noisy.
import { endAll } from "./gateways/start.js";
import { compare } from "./measure/compare.js";
import { readResults } from "./results.js";
import { startWarm } from "./rows.js";

const ROWS = new Set(["plain", "signed (aws4)", "64 deep"]);
const how = { pairs: 3, seconds: 1, warmSeconds: 2, connections: 32 };
/** A change of a ratio that should be examined. */
const NOTABLE = 0.1;

try {
  const recorded = await readResults();
  const { rows } = await startWarm();
  const report = [];
  for (const row of rows.filter(({ name }) => ROWS.has(name))) {
    const before = recorded?.compared?.find(({ name }) => name === row.name)?.cpuRatio.median;
    const { cpuRatio, noisy } = await compare(row, how);
    const change = before === undefined ? Number.NaN : cpuRatio.median / before - 1;
    report.push({
      what: row.name,
      against: row.against.name,
      "recorded CPU ratio": before?.toFixed(2) ?? "none",
      now: `${cpuRatio.median.toFixed(2)} (${cpuRatio.lower.toFixed(2)}–${cpuRatio.upper.toFixed(2)})`,
      change: `${(change * 100).toFixed(0)} %`,
      verdict: noisy ? "too noisy to say" : change > NOTABLE ? "slower: look into it" : "as recorded",
    });
  }
  console.table(report);
} finally {
  await endAll();
}
