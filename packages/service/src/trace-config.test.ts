import { expect, test } from "vitest";
import { readTraceConfig } from "./trace-config.ts";

test.each([
  ["http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"],
  ["https://collector.example/", "https://collector.example/v1/traces"],
  ["https://collector.example/otlp", "https://collector.example/otlp/v1/traces"],
  ["https://collector.example/otlp/v1/traces", "https://collector.example/otlp/v1/traces"],
  ["https://collector.example/v1/traces/", "https://collector.example/v1/traces/"],
])("traces for %s are sent to %s", (otlpEndpoint, url) => {
  expect(readTraceConfig({ otlpEndpoint })).toEqual({ endpoint: new URL(url), share: 1 });
});

test.each(["127.0.0.1:4318", "collector", "ftp://a.test", "grpc://a.test:4317", "unix:///run/otlp"])(
  "%s is not an endpoint",
  (otlpEndpoint) => {
    expect(() => readTraceConfig({ otlpEndpoint })).toThrow(
      "--otlp-endpoint: expected the URL of a collector",
    );
  },
);

test.each([
  "https://canary@a.test",
  "https://a:canary@a.test",
  "https://a.test/?key=canary",
  "https://a.test/#canary",
])("a secret in the URL is refused, and not shown: %s", (otlpEndpoint) => {
  expect(() => readTraceConfig({ otlpEndpoint })).toThrow(
    /^--otlp-endpoint: expected a URL without user(?!.*canary)/,
  );
});

test.each([
  ["0", 0],
  ["1", 1],
  ["0.25", 0.25],
  [".5", 0.5],
  ["1.0", 1],
])("--otlp-sample %s is %d", (otlpSample, share) => {
  expect(readTraceConfig({ otlpEndpoint: "http://a.test", otlpSample })?.share).toBe(share);
});

test.each(["", "x", "-1", "1.1", "2", "1e-3", "0x1", "NaN", "50%", "0,5", " 1", "."])(
  "--otlp-sample '%s' is refused",
  (otlpSample) => {
    expect(() => readTraceConfig({ otlpEndpoint: "http://a.test", otlpSample })).toThrow(
      "--otlp-sample: expected a number from 0 to 1",
    );
  },
);

test("nothing is sent without an endpoint, and a flag that is for one is refused", () => {
  expect(readTraceConfig({})).toBeUndefined();
  for (const [name, flag] of [
    ["otlpHeadersFile", "--otlp-headers-file"],
    ["otlpCa", "--otlp-ca"],
    ["otlpSample", "--otlp-sample"],
  ] as const)
    expect(() => readTraceConfig({ [name]: "1" })).toThrow(`${flag}: expected only with --otlp-endpoint`);
  expect(() => readTraceConfig({ otlpEndpoint: "http://a.test", otlpCa: "f" })).toThrow(
    "--otlp-ca: expected only",
  );
});
