import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { ExportTerms } from "../domain/limits.ts";
import { newUid } from "../domain/uid.ts";
import { sealCapability } from "../store/capability-seal.ts";
import type { StoredCapability } from "../store/record.ts";
import { checkSealedSize, exportTermsOf } from "./export-terms.ts";

const NOW = 5_000;

test("a duration begins when the capability is made", () => {
  const asked = { kind: "target", target: {} as never, limits: { ttlMs: 1_000 }, label: "l" } as const;
  expect(exportTermsOf(asked, NOW)).toEqual({
    ok: true,
    value: { own: { createdAt: NOW, limits: { expiresAt: 6_000 } }, label: "l" },
  });
});

function sealed(terms: ExportTerms): StoredCapability {
  const keys = { lookupId: randomBytes(32), sealingKey: randomBytes(32) };
  return sealCapability(
    { type: "capability", uid: newUid(randomBytes), kind: "invoke" },
    Buffer.alloc(32),
    terms,
    keys,
  );
}

/** Limits that take about this many bytes. */
function limitsOf(bytes: number) {
  return { paths: [`/${"a".repeat(bytes)}`] };
}

test("limits count with all that are inherited, so that no chain of re-exports is longer than one capability may be", () => {
  const own = { createdAt: 1, limits: limitsOf(30_000) };
  const inherited = [{ uid: newUid(randomBytes), createdAt: 1, limits: limitsOf(35_000) }];
  expect(checkSealedSize({ own }, sealed({ own }))).toMatchObject({ ok: true });
  expect(checkSealedSize({ own, inherited }, sealed({ own, inherited }))).toMatchObject({ ok: true });
  const longer = { own: { createdAt: 1, limits: limitsOf(31_000) }, inherited };
  expect(checkSealedSize(longer, sealed(longer))).toMatchObject({
    error: { reason: "invalid_field", problem: { field: "limits" } },
  });
});

test("a label is not refused for the length of what is inherited", () => {
  const terms = {
    label: "l",
    inherited: [{ uid: newUid(randomBytes), createdAt: 1, limits: limitsOf(65_500) }],
  };
  expect(checkSealedSize(terms, sealed(terms))).toMatchObject({ ok: true });
});
