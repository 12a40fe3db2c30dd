import { expect, test } from "vitest";
import { parseUid } from "../domain/uid.ts";
import { createRevocationFeed } from "../store/revocation-feed.ts";
import { logOf } from "../testkit/late-log.ts";
import { createAdmissions } from "./admissions.ts";

const A = parseUid("a".repeat(32));
const B = parseUid("b".repeat(32));

async function open() {
  const log = logOf();
  const opening = createRevocationFeed(log);
  await log.answerAll();
  const feed = await opening;
  const advance = async (): Promise<void> => {
    const advanced = feed.advance();
    await log.answerAll();
    await advanced;
  };
  return { log, advance, admissions: createAdmissions(feed) };
}

test("a revoke tells exactly the requests whose lineage it names, each once", async () => {
  const { log, advance, admissions } = await open();
  const told: string[] = [];
  const ofA = admissions.admit(new Set([A]));
  const ofBoth = admissions.admit(new Set([A, B]));
  const ofB = admissions.admit(new Set([B]));
  ofA.onRevoke(() => told.push("a"));
  ofBoth.onRevoke(() => told.push("both"));
  ofB.onRevoke(() => told.push("b"));

  log.revoke(A);
  await advance();
  expect(told.toSorted()).toEqual(["a", "both"]);
  expect([ofA.isRevoked, ofBoth.isRevoked, ofB.isRevoked]).toEqual([true, true, false]);

  log.revoke(B);
  await advance();
  expect(told.toSorted()).toEqual(["a", "b", "both"]);
});

test("who starts to listen after the revoke is told at once", async () => {
  const { log, advance, admissions } = await open();
  const admission = admissions.admit(new Set([A]));
  log.revoke(A);
  await advance();
  let told = 0;
  admission.onRevoke(() => (told += 1));
  expect(told).toBe(1);
});

test("a request that left is told nothing, and leaving twice counts once", async () => {
  const { log, advance, admissions } = await open();
  let told = 0;
  const left = admissions.admit(new Set([A]));
  const stays = admissions.admit(new Set([B]));
  left.onRevoke(() => (told += 1));
  expect(admissions.size).toBe(2);
  left.leave();
  left.leave();
  expect(admissions.size).toBe(1);
  log.revoke(A);
  await advance();
  expect([told, left.isRevoked, stays.isRevoked]).toEqual([0, false, false]);
});

test("all are told when nothing known holds any more", async () => {
  const { log, advance, admissions } = await open();
  const all = [admissions.admit(new Set([A])), admissions.admit(new Set([B]))];
  log.replace("another log");
  await advance();
  expect(all.map(({ isRevoked }) => isRevoked)).toEqual([true, true]);
});

test("revokeAll tells all that are under way, even while they leave", async () => {
  const { admissions } = await open();
  const all = [admissions.admit(new Set([A])), admissions.admit(new Set([A, B]))];
  let told = 0;
  for (const admission of all) {
    admission.onRevoke(() => {
      told += 1;
      admission.leave();
    });
  }
  admissions.revokeAll();
  expect([told, admissions.size]).toEqual([2, 0]);
});
