import fc from "fast-check";
import { expect, test } from "vitest";

import { PARTS } from "./canonical-parts.ts";
import { DIFFERING_SHAPES, isUtf8 } from "./differing-shapes.ts";
import { type JudgedRequest, type PreparedRequest, prepare, signOurs } from "./judged-request.ts";
import { type JudgeName, judge } from "./judges.ts";
import { judgedRequest } from "./request-arbitrary.ts";

const JUDGES: readonly JudgeName[] = ["aws4", "smithy"];
const RUNS = 4000;

const PLAIN: JudgedRequest = {
  service: "lambda",
  method: "GET",
  path: "/a",
  query: "",
  headers: [],
  configured: [],
  head: { body: "none", secure: true },
  body: "",
};

function wrongIn(part: (typeof PARTS)[number], request: PreparedRequest): ReadonlySet<JudgeName> {
  const shapes = DIFFERING_SHAPES.filter((shape) => shape.part === part && shape.applies(request));
  return new Set(shapes.flatMap((shape) => shape.wrong));
}

test("part by part we sign what each judge signs that no row of the table names wrong", async () => {
  await fc.assert(
    fc.asyncProperty(judgedRequest, async (given) => {
      const request = prepare(given);
      const ours = signOurs(request);
      for (const name of JUDGES) {
        const theirs = await judge(name, request);
        // A judge that throws gives no part at all: some row has to say that it may.
        if (theirs === undefined) {
          expect(PARTS.some((part) => wrongIn(part, request).has(name))).toBe(true);
          continue;
        }
        const judged = PARTS.filter((part) => !wrongIn(part, request).has(name));
        for (const part of judged)
          expect({ name, [part]: ours.parts[part] }).toEqual({ name, [part]: theirs.parts[part] });
        if (judged.length === PARTS.length) expect(ours.authorization).toBe(theirs.authorization);
      }
    }),
    { numRuns: RUNS },
  );
});

test("a row names a judge wrong only where it is: where one row alone applies, its judges differ from us", async () => {
  await fc.assert(
    fc.asyncProperty(judgedRequest, async (given) => {
      const request = prepare(given);
      const ours = signOurs(request);
      for (const part of PARTS) {
        const [shape, ...others] = DIFFERING_SHAPES.filter(
          (row) => row.part === part && row.applies(request),
        );
        if (shape === undefined || others.length > 0) continue;
        for (const name of shape.wrong) {
          const theirs = await judge(name, request);
          expect([shape.shape, theirs?.parts[part]]).not.toEqual([shape.shape, ours.parts[part]]);
        }
      }
    }),
    { numRuns: RUNS },
  );
});

test("smithy agrees on every query once what its parser misreads is spelled out", async () => {
  const spelledOut = (query: string): string =>
    query
      .split("&")
      .filter((piece) => piece !== "")
      .map((piece) => {
        const [key = "", ...values] = piece
          .replaceAll("+", "%20")
          .replaceAll(/%(?![0-9A-Fa-f]{2})/g, "%25")
          .split("=");
        return `${key}=${values.join("%3D")}`;
      })
      .join("&");
  await fc.assert(
    fc.asyncProperty(judgedRequest, async (given) => {
      const request = prepare(given);
      const theirs = await judge("smithy", { ...request, query: spelledOut(request.query) });
      if (theirs === undefined) expect(isUtf8(request.query)).toBe(false);
      else expect(signOurs(request).parts.query).toBe(theirs.parts.query);
    }),
    { numRuns: RUNS },
  );
});

test.each(DIFFERING_SHAPES)(
  "the judges differ on $shape, and we sign what holds",
  async ({ part, wrong, example }) => {
    const request = { ...prepare({ ...PLAIN, ...example }), ...example };
    const ours = signOurs(request);
    const aws4 = await judge("aws4", request);
    const smithy = await judge("smithy", request);
    expect(aws4?.authorization).not.toBe(smithy?.authorization);
    for (const [name, theirs] of Object.entries({ aws4, smithy })) {
      const isWrong = wrong.some((wrongName) => wrongName === name);
      if (isWrong) expect(theirs?.parts[part]).not.toBe(ours.parts[part]);
      else expect(theirs).toEqual(ours);
    }
  },
);

test("the generated requests reach every row of the table and requests of no row", () => {
  const sample = fc.sample(judgedRequest, { numRuns: RUNS, seed: 20_261_122 }).map(prepare);
  for (const shape of DIFFERING_SHAPES) {
    expect([shape.shape, sample.some((request) => shape.applies(request))]).toEqual([shape.shape, true]);
  }
  const plain = sample.filter((request) => !DIFFERING_SHAPES.some((shape) => shape.applies(request)));
  expect(plain.length).toBeGreaterThan(RUNS / 10);
});
