import { expect, test } from "vitest";
import { METRIC_NAMES, METRICS } from "./definitions.ts";

/** What must not be a label, since tenants and clients choose it, or since there is no end to its values. */
const OF_TENANTS = /tenant|membrane|capability|client|address|host|path|uid|fingerprint|token|id$/;

test.each(METRIC_NAMES)("%s has the name that Prometheus expects of its type and unit", (name) => {
  const { type, bounds, help, merge } = METRICS[name];
  expect(name).toMatch(/^membrane_[a-z_]+$/);
  expect(name.endsWith("_total")).toBe(type === "counter");
  expect(bounds !== undefined).toBe(type === "histogram");
  if (type === "histogram") expect(name).toMatch(/_seconds$/);
  // What is counted by several processes is added up; only a gauge can be another one's.
  if (type !== "gauge") expect(merge).toBeUndefined();
  expect(help).toMatch(/^[A-Z].*[^.]$/);
});

test.each(METRIC_NAMES)("no label of %s says anything of a tenant or a client", (name) => {
  for (const label of METRICS[name].labels ?? []) expect(label).not.toMatch(OF_TENANTS);
});
