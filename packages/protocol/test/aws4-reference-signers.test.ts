import fc from "fast-check";
import { expect, test } from "vitest";

import { COMPARED_PARTS } from "./support/canonical-parts.ts";
import { KNOWN_DIVERGENCES, isUtf8 } from "./support/known-divergences.ts";
import {
  type ComparedRequest,
  type PreparedRequest,
  prepare,
  signWithOurs,
} from "./support/compared-request.ts";
import { type ReferenceSignerName, signWithReference } from "./support/reference-signers.ts";
import { comparedRequest } from "./support/request-arbitrary.ts";

const REFERENCE_SIGNERS: readonly ReferenceSignerName[] = ["aws4", "smithy"];
const RUNS = 4000;

const PLAIN: ComparedRequest = {
  service: "lambda",
  method: "GET",
  path: "/a",
  query: "",
  headers: [],
  configured: [],
  payloadContext: { body: "none", secure: true },
  body: "",
};

function divergentSigners(
  part: (typeof COMPARED_PARTS)[number],
  request: PreparedRequest,
): ReadonlySet<ReferenceSignerName> {
  const divergences = KNOWN_DIVERGENCES.filter(
    (divergence) => divergence.part === part && divergence.applies(request),
  );
  return new Set(divergences.flatMap((divergence) => divergence.divergent));
}

test("each part of the signature equals that of every reference signer, except where the table has a divergence", async () => {
  await fc.assert(
    fc.asyncProperty(comparedRequest, async (input) => {
      const request = prepare(input);
      const ours = signWithOurs(request);
      for (const name of REFERENCE_SIGNERS) {
        const theirs = await signWithReference(name, request);
        // A reference signer that throws must have a row in the table.
        if (theirs === undefined) {
          expect(COMPARED_PARTS.some((part) => divergentSigners(part, request).has(name))).toBe(true);
          continue;
        }
        const comparedParts = COMPARED_PARTS.filter((part) => !divergentSigners(part, request).has(name));
        for (const part of comparedParts)
          expect({ name, [part]: ours.parts[part] }).toEqual({ name, [part]: theirs.parts[part] });
        if (comparedParts.length === COMPARED_PARTS.length)
          expect(ours.authorization).toBe(theirs.authorization);
      }
    }),
    { numRuns: RUNS },
  );
});

test("where only one row applies, the signers that it names do differ", async () => {
  await fc.assert(
    fc.asyncProperty(comparedRequest, async (input) => {
      const request = prepare(input);
      const ours = signWithOurs(request);
      for (const part of COMPARED_PARTS) {
        const [divergence, ...others] = KNOWN_DIVERGENCES.filter(
          (row) => row.part === part && row.applies(request),
        );
        if (divergence === undefined || others.length > 0) continue;
        for (const name of divergence.divergent) {
          const theirs = await signWithReference(name, request);
          expect([divergence.description, theirs?.parts[part]]).not.toEqual([
            divergence.description,
            ours.parts[part],
          ]);
        }
      }
    }),
    { numRuns: RUNS },
  );
});

test("smithy's signature is equal for every query without the parts that its parser misreads", async () => {
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
    fc.asyncProperty(comparedRequest, async (input) => {
      const request = prepare(input);
      const theirs = await signWithReference("smithy", { ...request, query: spelledOut(request.query) });
      if (theirs === undefined) expect(isUtf8(request.query)).toBe(false);
      else expect(signWithOurs(request).parts.query).toBe(theirs.parts.query);
    }),
    { numRuns: RUNS },
  );
});

test.each(KNOWN_DIVERGENCES)(
  "the reference signers differ on $shape, and our signature is that of the documentation",
  async ({ part, divergent, example }) => {
    const request = { ...prepare({ ...PLAIN, ...example }), ...example };
    const ours = signWithOurs(request);
    const aws4 = await signWithReference("aws4", request);
    const smithy = await signWithReference("smithy", request);
    expect(aws4?.authorization).not.toBe(smithy?.authorization);
    for (const [name, theirs] of Object.entries({ aws4, smithy })) {
      const isWrong = divergent.some((divergentName) => divergentName === name);
      if (isWrong) expect(theirs?.parts[part]).not.toBe(ours.parts[part]);
      else expect(theirs).toEqual(ours);
    }
  },
);

test("the generated requests include every row of the table, and requests without a row", () => {
  const sample = fc.sample(comparedRequest, { numRuns: RUNS, seed: 20_261_122 }).map(prepare);
  for (const divergence of KNOWN_DIVERGENCES) {
    expect([divergence.description, sample.some((request) => divergence.applies(request))]).toEqual([
      divergence.description,
      true,
    ]);
  }
  const plain = sample.filter(
    (request) => !KNOWN_DIVERGENCES.some((divergence) => divergence.applies(request)),
  );
  expect(plain.length).toBeGreaterThan(RUNS / 10);
});
