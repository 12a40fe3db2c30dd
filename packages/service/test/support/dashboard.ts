import { readFile } from "node:fs/promises";

const FILE = new URL("../../../../deploy/grafana/membrane.json", import.meta.url);

/** What Grafana puts in place of its variables. */
const VALUES: Readonly<Record<string, string>> = {
  $__rate_interval: "1m",
  $job: ".*",
  $instance: ".*",
};

export interface DashboardExpression {
  readonly title: string;
  readonly expr: string;
}

/** Returns the expressions of the dashboard as Prometheus gets them. */
export async function dashboardExpressions(): Promise<readonly DashboardExpression[]> {
  const { panels, annotations } = JSON.parse(await readFile(FILE, "utf8")) as {
    readonly panels: readonly {
      readonly title: string;
      readonly targets?: readonly { readonly expr: string }[];
    }[];
    readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
  };
  return [
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr }))),
    ...annotations.list.map(({ name, expr }) => ({ title: name, expr })),
  ].map(({ title, expr }) => ({ title, expr: withValues(expr) }));
}

function withValues(expr: string): string {
  const filled = Object.entries(VALUES).reduce((text, [name, value]) => text.replaceAll(name, value), expr);
  if (filled.includes("$")) throw new Error(`an unknown variable: ${expr}`);
  return filled;
}
