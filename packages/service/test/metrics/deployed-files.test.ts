import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { DEPLOYED, promtool } from "../../../testkit/src/prometheus.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { MetricName } from "../../src/telemetry/metrics/definitions.ts";
import { METRIC_NAMES, METRICS } from "../../src/telemetry/metrics/definitions.ts";
import { dashboardExpressions } from "../support/dashboard.ts";

const RULES = join(DEPLOYED, "membrane.rules.yml");
const OPERATIONS = await readFile(new URL("../../../../docs/operations.md", import.meta.url), "utf8");

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
}

const RULE_FILE: { readonly groups: readonly { readonly rules: readonly Rule[] }[] } = parse(
  await readFile(RULES, "utf8"),
);
const ALERTS = RULE_FILE.groups.flatMap(({ rules }) => rules);
const DASHBOARD = await dashboardExpressions();

/** All expressions, by where they are. */
const EXPRESSIONS: readonly (readonly [string, string])[] = [
  ...ALERTS.map(({ alert, expr }) => [alert, expr] as const),
  ...DASHBOARD.map(({ title, expr }) => [title, expr] as const),
];

/** Labels that Prometheus adds, and the bound of a bucket. */
const ADDED_LABELS = ["job", "instance", "le"];

/** Returns the series that an expression selects: the name of the metric, and the labels that are compared. */
function selectorsIn(expr: string): readonly { readonly name: string; readonly labels: readonly string[] }[] {
  const selectors = expr.matchAll(/\b(membrane_[a-z_]+)(?:\{([^}]*)\})?/g);
  return Array.from(selectors, ([, name = "", matchers = ""]) => ({
    name,
    labels: Array.from(matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g), ([, label = ""]) => label),
  }));
}

/** Returns the labels that an expression groups by. */
function groupedBy(expr: string): readonly string[] {
  return Array.from(expr.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g), ([, names = ""]) => names)
    .flatMap((names) => names.split(","))
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** Returns the metric that a series belongs to. */
function metricOf(series: string): MetricName | undefined {
  const exact = METRIC_NAMES.find((name) => name === series);
  if (exact !== undefined) return METRICS[exact].type === "histogram" ? undefined : exact;
  const name = METRIC_NAMES.find((each) => each === series.replace(/_(?:bucket|sum|count)$/, ""));
  return name !== undefined && METRICS[name].type === "histogram" ? name : undefined;
}

test.each(EXPRESSIONS)("%s names exported metrics and their labels only: %s", (_where, expr) => {
  const selectors = selectorsIn(expr);
  const names = selectors.map(({ name }) => metricOf(name));
  expect(names).not.toContain(undefined);
  const known = [...ADDED_LABELS, ...names.flatMap((name) => METRICS[name!].labels ?? [])];
  for (const { name, labels } of selectors)
    expect([...ADDED_LABELS, ...(METRICS[metricOf(name)!].labels ?? [])]).toEqual(
      expect.arrayContaining([...labels]),
    );
  expect(known).toEqual(expect.arrayContaining([...groupedBy(expr)]));
});

test("every metric is on the dashboard, and the version is what its variables are read from", async () => {
  const shown = new Set(DASHBOARD.flatMap(({ expr }) => selectorsIn(expr)).map(({ name }) => metricOf(name)));
  expect(METRIC_NAMES.filter((name) => !shown.has(name))).toEqual(["membrane_build_info"]);
});

test("the alerts are in order, and each fires for what it is about and not before", async () => {
  expect(await promtool(["check", "rules", RULES])).toContain(`${ALERTS.length} rules found`);
  expect(await promtool(["check", "config", join(DEPLOYED, "prometheus.yml")])).toContain("SUCCESS");
  expect(await promtool(["test", "rules", join(DEPLOYED, "membrane.rules.test.yml")])).toContain("SUCCESS");
});

test("every alert is tested, to fire and not to, and docs/operations.md says what to do", async () => {
  const text = await readFile(join(DEPLOYED, "membrane.rules.test.yml"), "utf8");
  const { tests } = parse(text) as {
    readonly tests: readonly {
      readonly alert_rule_test?: readonly { readonly alertname: string; readonly exp_alerts?: unknown[] }[];
    }[];
  };
  const cases = tests.flatMap(({ alert_rule_test: all = [] }) => all);
  for (const { alert } of ALERTS) {
    const fires = cases
      .filter(({ alertname }) => alertname === alert)
      .map((one) => one.exp_alerts !== undefined);
    expect([alert, ...fires]).toEqual([alert, false, true]);
    expect(OPERATIONS).toContain(`| \`${alert}\` | `);
  }
  const rows = Array.from(OPERATIONS.matchAll(/^\| `(Membrane[A-Z]\w+)` \| /gm), ([, name]) => name);
  expect(rows).toEqual(ALERTS.map(({ alert }) => alert));
});

test("promtool accepts every expression of the dashboard", async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "dashboard.yml");
  const rules = DASHBOARD.map(({ expr }, i) => ({ record: `dashboard:panel_${i}`, expr }));
  await writeFile(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
  expect(await promtool(["check", "rules", file])).toContain(`${rules.length} rules found`);
});
