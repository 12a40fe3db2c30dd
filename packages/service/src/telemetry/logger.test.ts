import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { createLogger, formatLine } from "./logger.ts";

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test("a line has its level as a word and its time as in RFC 3339, and so has a line that the sink writes", () => {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString("utf8"));
      done();
    },
  });
  const logger = createLogger("debug", sink);
  logger.warn({ lost: 3 }, "log lines lost");
  logger.child({}, { level: "info" }).info("child");
  lines.push(formatLine("warn", { lost: 3 }, "log lines lost", new Date()));
  const [logged, child, formatted] = lines.map((line) => JSON.parse(line));
  for (const line of [logged, child, formatted]) expect(line.time).toMatch(RFC_3339);
  expect({ ...logged, time: "" }).toEqual({ level: "warn", time: "", lost: 3, msg: "log lines lost" });
  expect({ ...formatted, time: "" }).toEqual({ ...logged, time: "" });
  expect(Object.keys(formatted)).toEqual(Object.keys(logged));
  expect(child).toMatchObject({ level: "info" });
});
