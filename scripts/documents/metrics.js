import { METRIC_NAMES, METRICS } from "../../packages/service/dist/telemetry/metrics/definitions.js";

const HEAD = "| metric | type | labels | what it is |\n|---|---|---|---|";

/** The table of all metrics, from the built service. */
export function metricsTable() {
  const rows = METRIC_NAMES.map((name) => {
    const { type, labels = [], help, only } = METRICS[name];
    const meaning = only === undefined ? help : `${help}; ${only}`;
    return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${meaning} |`;
  });
  return `${HEAD}\n${rows.join("\n")}`;
}
